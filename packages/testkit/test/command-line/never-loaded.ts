/** Waits at its top level for what never comes. */
await new Promise(() => {});
export default null;
