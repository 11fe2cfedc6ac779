// SPDX-License-Identifier: Apache-2.0
// A stand-in for an API on localhost that streams: POST /v1/messages with the body SECONDS is answered with an event at once,
// then one each 100 ms, and "data: end" when SECONDS are over; with "bulk" by 64 MiB. A token is accepted that is published, or was
// within the last ten seconds. The port goes to DIR/port; DIR holds key.pem and cert.pem.
//
// usage: node api.mjs DIR TOKEN-FILE
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { dirname } from 'node:path';

const [dir, file] = process.argv.slice(2);
const replaced = new Map(); // token -> when it was
let current;
const look = () => {
  try {
    const token = readFileSync(file, 'utf8');
    if (token !== current) replaced.set(current, Date.now());
    current = token;
  } catch {} // being replaced
};
let revoked;
const accepts = (token) => token !== revoked && (token === current || Date.now() - (replaced.get(token) ?? 0) < 10000);
watch(dirname(file), look);
watch(dir, (_, name) => name === 'revoked' && (revoked = readFileSync(`${dir}/revoked`, 'utf8').trim()));
look();

const bulk = Buffer.alloc(64 << 20, 'a');

const tls = { key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`), keepAliveTimeout: 60000 };
createServer(tls, (incoming, answer) => {
  let body = '';
  incoming.on('data', (part) => (body += part));
  incoming.on('end', () => {
    look();
    if (!accepts(incoming.headers.authorization?.replace('Bearer ', '')))
      return answer.writeHead(401).end('refused');
    if (body === 'hostile') {
      const headers = { 'x-accel-redirect': '/.token', 'x-accel-limit-rate': '1', 'set-cookie': 'a=b', location: 'https://evil.example/' };
      return answer.writeHead(302, headers).end('of the API');
    }
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    if (body === 'bulk') return answer.end(bulk);
    const end = Date.now() + Number(body) * 1000;
    const say = () => {
      if (Date.now() >= end) return answer.end('data: end\n\n');
      answer.write('data: more\n\n');
      setTimeout(say, 100);
    };
    say();
  });
}).listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, function () {
  writeFileSync(`${dir}/port`, `${this.address().port}\n`);
});
