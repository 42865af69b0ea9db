const assert = require("node:assert");

describe("sum <&> \"zażółć\"", () => {
  it("passes", () => assert.equal(1 + 1, 2));
  it("fails", () => assert.equal(1 + 1, 3));
  it.skip("is skipped", () => assert.fail());
});
