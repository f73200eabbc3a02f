// The bundle offer as an accessible, non-modal dialog in a shadow root: <footfall-bundle>.
// Strings become text nodes; nothing of a reply is ever read as HTML.

import { locale } from "./config";
import { track } from "./events";
import css from "./popup.css";
import { load, save } from "./storage";

/** The edge's reply about an offer; without success there is none. */
export interface Offer {
  success: boolean;
  offer_id: string | number;
  bundle: { name: string; quantity: number; subtotal: number }[];
  pricing: {
    base_price: number;
    discount_percentage: number;
    discount_amount: number;
    final_price: number;
    currency?: string;
  };
  bonus_points: number;
}

const enum Max {
  /** About fifty offers that were answered. */
  AnsweredChars = 2e3,
}

// "Was" is the same word in both.
const [title, points, accept, reject, hide] = (
  /nl/i.test(locale)
    ? "Jouw bundel|punten|In winkelwagen|Nee, bedankt|Sluiten"
    : "Your bundle|points|Add to cart|No thanks|Close"
).split("|") as [string, string, string, string, string];

let shown: unknown;

/** Takes the offer off the page, if there is one. */
export let close = (): void => {};

const add = (tag: string, properties: object, ...children: (Node | string)[]): HTMLElement => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** Shows the offer, unless this browser has answered it or this page has shown it. */
export const show = ({ success, offer_id, bundle, pricing, bonus_points }: Offer): void => {
  const mark = " " + offer_id + " ";
  const answered: string = load("done") || "";
  if (!success || offer_id === shown || answered.includes(mark)) return;
  close();

  const before = document.activeElement as HTMLElement;
  const money = (amount: number): string =>
    amount.toLocaleString(locale, { style: "currency", currency: pricing.currency || "EUR" });

  // "view", "accept" and "reject": an event for the log, and one for the shop's own page.
  const tell = (verb: string): void => {
    track("bundle_" + verb + "ed", { offer_id });
    document.dispatchEvent(
      new CustomEvent("footfall:bundle-" + verb + "ed", { detail: { offer_id, bundle, pricing } }),
    );
  };
  const answer = (part: string, label: string): HTMLElement =>
    add("button", {
      part,
      onclick() {
        close();
        save("done", (answered + mark).slice(-Max.AnsweredChars));
        tell(part);
      },
    }, label);

  const host = add("footfall-bundle", {});
  const root = host.attachShadow({ mode: "open" });
  close = () => {
    const inside = root.activeElement;
    host.remove();
    if (inside) before.focus();
  };
  const dialog = add(
    "div",
    { part: "dialog", role: "dialog", ariaLabel: title, tabIndex: -1 },
    add("h2", { part: "title" }, title),
    add("ul", {}, ...bundle.map((item) =>
      add("li", {}, item.quantity + " × " + item.name, add("span", {}, money(item.subtotal))))),
    add("p", { part: "price" }, "Was ", add("s", {}, money(pricing.base_price)), " ", add("b", {}, money(pricing.final_price))),
    add("p", {}, "-" + money(pricing.discount_amount) + " (" + pricing.discount_percentage + "%), +" + bonus_points + " " + points),
    answer("accept", accept),
    answer("reject", reject),
    add("button", { part: "close", onclick: close }, hide),
  );

  // Unlike a <style> element, a sheet also works under a strict content security policy.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  root.append(dialog);
  document.body.append(host);

  // Somebody who is typing is not interrupted.
  if (before === document.body) dialog.focus();
  shown = offer_id;
  tell("view");
};
