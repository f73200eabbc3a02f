// Brings the steps of a journey to the edge, one after the other as they happened. A step leaves the
// queue when the edge has answered it for good; whatever is sent twice carries the same id.

import { edge, writeKey } from "./config";
import { type Queued, queueOf } from "./queue";

/** A request of the contract, as it is stored; its `id` makes it the same one when it is sent again. */
export interface Step extends Queued {
  id?: string | undefined;
  method: string;
  path: string;
  body?: object | undefined;
  /** The edge takes a step for one of now, so what is older would tell of a visit that never was. */
  at: number;
}

const enum Max {
  /** Each is a request of its own, and a page that goes away has little time. */
  HandedOver = 20,
}

let to = edge;
let key = writeKey;

const addressOf = ({ path }: Step): string => to + "/api/journey/" + path;

/** Stores a step and sends it soon; the edge's reply is told, else null once all is sent that can be for now. */
export const enqueue = queueOf<Step>(
  "jq",
  "jwait",
  (steps) => steps.slice(0, 1),
  ([step]) =>
    fetch(addressOf(step!), {
      ...step,
      body: JSON.stringify(step!.body),
      headers: { ...(key && { "X-API-Key": key }), ...(step!.id && { "Idempotency-Key": encodeURIComponent(step!.id) }) },
    } as RequestInit),
  (reply, { ok, status }, steps) => ((ok ? reply : status !== 429 && status < 500) ? steps : []),
  // A beacon is text, which needs no preflight that the page might not live to see.
  (steps) =>
    steps.slice(0, Max.HandedOver).forEach((step) => {
      if (step.id && step.method === "POST") navigator.sendBeacon(addressOf(step), JSON.stringify({ ...step.body, writeKey: key }));
    }),
  // An address of a shopper is sent, but never stored in the browser.
  (field, value) => (field === "email" ? undefined : value),
);

/** From now on asks this edge with this key, also for what pages before this one did not get rid of. */
export const bringTo = (address: string, apiKey: string | undefined): void => {
  to = address;
  key = apiKey;
  enqueue();
};
