// The packages are ESM only; Node gives them to `require` as well.
const { createLocking } = require("@lock/core");
const provider = require(process.argv[2]);

console.log(typeof createLocking, typeof provider.default);
