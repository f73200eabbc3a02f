// What the contract's example imports.
export { behaviorApi } from "../../src/index";
