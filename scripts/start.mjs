#!/usr/bin/env node
// `npm start`: checks the machine, installs and builds what is missing, then runs the platform in this process.
// This file is written in old syntax with nothing imported at its top, so that an old Node reads it far enough to say
// what is wrong with it.
var wanted = [20, 19];
var version = process.versions.node.split('.').map(Number);

if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  console.error(
    'FullstackAgent needs Node ' + wanted.join('.') + ' or newer. This is ' + process.version + '.',
  );
  process.exitCode = 1;
} else {
  import('./lib/start.mjs').then(
    function (module) {
      return module.start();
    },
    function (error) {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
