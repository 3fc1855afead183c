import * as testkit from "@lock/testkit";

console.log(Object.keys(testkit).length > 0);
