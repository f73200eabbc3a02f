// What the script tag says. Read once, while the tag is still the running script. The module has no
// tag: there the build puts null in its place, and the page says it all to the class.

const script = document.currentScript as HTMLScriptElement | null;
const data: DOMStringMap = script ? script.dataset : {};

/** The edge is whoever served this script; for the module, the page's own address. */
export const edge = script ? new URL(script.src).origin : "";

/** The publishable key. Without one the edge decides: in development that means the demo shop. */
export const writeKey = data.key || undefined;

/** `data-popup="off"` is for shops that show offers in their own way. */
export const popupOn = data.popup !== "off";

/** Whether silence means yes; `data-consent="required"` asks the visitor first. */
export const consentImplied = data.consent !== "required";

/** The visitor's language, two letters: as the tag says, else as the page says. */
export const locale = (data.locale || document.documentElement.lang || "en").slice(0, 2);
