export default [{ files: ["bad.js"], rules: { "no-undef": "error", "no-debugger": "error", eqeqeq: "warn", "no-unused-vars": "warn" } }];
