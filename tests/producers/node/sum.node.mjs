import assert from "node:assert";
import { describe, it } from "node:test";

describe("sum <&> \"zażółć\"", () => {
  it("passes", () => assert.equal(1 + 1, 2));
  it("fails", () => assert.equal(1 + 1, 3));
  it.skip("is skipped", () => assert.fail());
});
