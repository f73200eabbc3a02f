// Instances of the component: each has one request at a time, and is used again until it fails or is old.

/** More requests wait. */
const INSTANCES_MAX = 16;
/** As in the embedded host. */
const REQUESTS_MAX = 1000;

/** Gives a function that answers a request by an instance that `make` made. */
export function pool(make) {
  const free = [];
  const waiting = [];
  let places = INSTANCES_MAX;

  /** An instance that is free, or `undefined`: the right to make one. */
  async function take() {
    if (free.length > 0) return free.pop();
    if (places === 0) return await new Promise((given) => waiting.push(given));
    places -= 1;
    return undefined;
  }

  function give(instance) {
    if (waiting.length > 0) waiting.shift()(instance);
    else if (instance) free.push(instance);
    else places += 1;
  }

  return async (answer) => {
    let instance = await take();
    try {
      instance ??= { component: await make(), requests: 0 };
      const answered = await answer(instance.component);
      instance.requests += 1;
      give(instance.requests < REQUESTS_MAX ? instance : undefined);
      return answered;
    } catch (fault) {
      // What it holds after a fault is unknown.
      give(undefined);
      throw fault;
    }
  };
}
