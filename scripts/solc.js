#!/usr/bin/env node
// The Solidity compiler from npm behind the command line of the native one, for machines that cannot have that.
// Knows what py-solc-x, brownie and forge ask for: --version and --standard-json.
"use strict";
const fs = require("fs");
const path = require("path");

const root = path.resolve(__dirname, "..");
const solc = require(require.resolve("solc", { paths: [root, process.cwd()] }));
const args = process.argv.slice(2);

function after(flag) {
  const given = args.flatMap((argument, at) => (argument === flag ? [args[at + 1] ?? ""] : []));
  return given.flatMap((folders) => folders.split(","));
}

if (args.includes("--version")) {
  const version = solc.version().replace(/Emscripten.*/, "Linux.g++");
  fs.writeSync(1, `solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (args.includes("--standard-json")) {
  const given = ["--base-path", "--include-path", "--allow-paths"].flatMap(after);
  const folders = [...given, process.cwd(), root, path.join(root, "node_modules")];
  const read = (name) => {
    for (const file of [name, ...folders.map((folder) => path.join(folder, name))]) {
      if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return { contents: fs.readFileSync(file, "utf8") };
    }
    return { error: `File not found: ${name}` };
  };
  const output = Buffer.from(solc.compile(fs.readFileSync(0, "utf8"), { import: read }));
  for (let done = 0; done < output.length; ) {
    try {
      done += fs.writeSync(1, output, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // a pipe that is full: try again
    }
  }
} else {
  fs.writeSync(2, "only --version and --standard-json are understood\n");
  process.exitCode = 2;
}
