// SPDX-License-Identifier: Apache-2.0
// Compares requests to the stand-in of api.mjs, directly and through a socket: the first byte of an answer on a new connection
// (direct: TCP and TLS) and on one that is kept, and 64 MiB. They take turns, in blocks. Prints for each the first quartiles, as
// what other programs delay is above these, and the mean of the blocks' ratios with its 95 % interval by Student's t.
//
// usage: node measure.mjs PORT CA TOKEN-FILE SOCKET ROUNDS
import { readFileSync } from 'node:fs';
import { Agent as SocketAgent, request as http } from 'node:http';
import { Agent as TlsAgent, request as https } from 'node:https';

const [port, ca, token, socketPath, rounds] = process.argv.slice(2);
const blocks = 10;
const student = 2.262; // of 95 % and 9 degrees of freedom
const headers = { authorization: `Bearer ${readFileSync(token, 'utf8')}` };
const direct = { request: https, kept: new TlsAgent({ keepAlive: true, maxSockets: 1 }), options: { host: 'localhost', port, ca: readFileSync(ca), headers } };
const through = { request: http, kept: new SocketAgent({ keepAlive: true, maxSockets: 1 }), options: { socketPath } };

// Milliseconds until the first byte of the answer's body, or its last one.
function measure({ request, kept, options }, body, connection, until) {
  return new Promise((done, fail) => {
    const agent = connection === 'kept' ? kept : false;
    const began = performance.now();
    let first;
    const onward = request({ ...options, path: '/v1/messages', method: 'POST', agent }, (answer) => {
      answer.once('data', () => (first = performance.now()));
      answer.on('data', () => {});
      answer.on('end', () => done((until === 'first byte' ? first : performance.now()) - began));
    });
    onward.on('error', fail);
    onward.end(body);
  });
}

const quarter = (values) => values.sort((a, b) => a - b)[values.length >> 2];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function compare(what, body, connection, until, count, idle = 0) {
  const all = { direct: [], through: [] };
  const ratios = [];
  await measure(direct, body, connection, until);
  await measure(through, body, connection, until);
  for (let block = 0; block < blocks; block++) {
    const times = { direct: [], through: [] };
    for (let i = 0; i < count; i++) {
      if (idle) await pause(idle);
      times.direct.push(await measure(direct, body, connection, until));
      times.through.push(await measure(through, body, connection, until));
    }
    ratios.push(quarter(times.through) / quarter(times.direct));
    for (const way of ['direct', 'through']) all[way].push(...times[way]);
  }
  const ratio = mean(ratios);
  const spread = (student * Math.sqrt(ratios.reduce((sum, one) => sum + (one - ratio) ** 2, 0) / (blocks - 1))) / Math.sqrt(blocks);
  const figure = (number) => number.toFixed(2);
  console.log(
    `${what}: direct ${figure(quarter(all.direct))} ms, through the socket ${figure(quarter(all.through))} ms, ` +
      `${figure(ratio)} x (${figure(ratio - spread)} to ${figure(ratio + spread)})`,
  );
}

const perBlock = Math.max(1, Math.ceil(rounds / blocks));
await compare('first byte, each on a new connection', '0', 'new', 'first byte', perBlock);
await compare('first byte, on a kept connection', '0', 'kept', 'first byte', perBlock);
// nginx has closed its own by then.
if (perBlock >= 20) await compare('first byte, each on a new connection after 5 s without a request', '0', 'new', 'first byte', 2, 5000);
await compare('64 MiB', 'bulk', 'new', 'end', Math.ceil(perBlock / 5));
process.exit();
