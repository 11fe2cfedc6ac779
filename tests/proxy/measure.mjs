// SPDX-License-Identifier: Apache-2.0
// Compares requests to the stand-in of api.mjs, directly and through a socket, in turns, each on a new connection. Prints
// first quartiles and medians: until the first byte of a stream, and for 64 MiB.
//
// usage: node measure.mjs PORT CA TOKEN-FILE SOCKET ROUNDS
import { readFileSync } from 'node:fs';
import { request as http } from 'node:http';
import { request as https } from 'node:https';

const [port, ca, token, socketPath, rounds] = process.argv.slice(2);
const headers = { authorization: `Bearer ${readFileSync(token, 'utf8')}` };
const direct = { host: 'localhost', port, ca: readFileSync(ca), headers };
const through = { socketPath };

function measure(request, options, body, atFirstByte) {
  return new Promise((done, fail) => {
    const began = performance.now();
    const onward = request({ ...options, path: '/v1/messages', method: 'POST', agent: false }, (answer) => {
      answer.once('data', () => {
        if (!atFirstByte) return;
        done(performance.now() - began);
        answer.destroy();
      });
      answer.on('end', () => done(performance.now() - began));
    });
    onward.on('error', fail);
    onward.end(body);
  });
}

// What another program delays is in the upper quarters.
const quartiles = (values) => {
  values.sort((a, b) => a - b);
  return `${values[values.length >> 2].toFixed(1)} and ${values[values.length >> 1].toFixed(1)} ms`;
};
for (const [what, body, count] of [['first byte', '1', rounds], ['64 MiB', 'bulk', Math.ceil(rounds / 10)]]) {
  const times = { direct: [], through: [] };
  for (let i = 0; i < count; i++) {
    times.direct.push(await measure(https, direct, body, body === '1'));
    times.through.push(await measure(http, through, body, body === '1'));
  }
  console.log(`${what}: direct ${quartiles(times.direct)}, through the socket ${quartiles(times.through)}`);
}
