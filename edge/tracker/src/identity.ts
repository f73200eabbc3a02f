// Who this browser is: a random id of its own, and a hash of what the device looks like.

import { load, type Name, save } from "./storage";

/**
 * A random UUID. `crypto.randomUUID` is missing on pages without TLS; the name of an empty object's
 * URL is such a UUID everywhere.
 */
export const uuid = (): string => URL.createObjectURL(new Blob()).slice(-36);

/** The id that is stored under a name, else a new one. */
export const kept = (name: Name): string => {
  const id = load(name) || uuid();
  save(name, id);
  return id;
};

/** This browser's anonymous id: random, says nothing about the person. */
export let anonymousId: string;

/**
 * SHA-256 over device characteristics, hexadecimal; undefined until it is known, and for good where
 * the page has no `crypto.subtle`. Kept, so that an update of the browser does not change it.
 */
export let fingerprint: string | undefined;

/** Settles when `fingerprint` is as known as it will get. Never rejects. */
export let ready: unknown;

const measure = async (): Promise<void> => {
  try {
    const device = navigator as Navigator & { deviceMemory?: number };
    const canvas = document.createElement("canvas");
    canvas.getContext("2d")!.fillText("Ff \u{1f463}", 9, 9);
    // Only what stays the same from visit to visit: no window size, no zoom.
    const characteristics = new Blob([JSON.stringify([
      device.userAgent,
      device.language,
      device.platform,
      device.hardwareConcurrency,
      device.deviceMemory,
      // A turned tablet is the same tablet.
      screen.width * screen.height,
      screen.colorDepth,
      Intl.DateTimeFormat().resolvedOptions().timeZone,
      canvas.toDataURL(),
    ])]);
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await characteristics.arrayBuffer()));
    fingerprint = [...bytes].map((byte) => (byte + 256).toString(16).slice(1)).join("");
    save("fp", fingerprint);
  } catch {
    // Without a hash there is no fingerprint: the raw text must not leave the browser.
  }
};

/** Finds or makes both; before this, nothing is read from the device or stored on it. */
export const settleIdentity = (): void => {
  anonymousId = kept("id");
  fingerprint = load("fp");
  ready = fingerprint || measure();
};
