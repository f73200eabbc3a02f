// What of an address may leave the browser.

/**
 * Newsletters put addresses into links; they stay in the browser, as does the fragment.
 * The bound keeps the time linear.
 */
export const clean = (address: string): string => address.replace(/#.*|[^/?&=#]{1,99}(@|%40)[^/&#]+/g, "");
