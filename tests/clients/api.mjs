// SPDX-License-Identifier: Apache-2.0
// A stand-in for Claude's API and token endpoint on 127.0.0.1:443: requests for a token go on to the tests' endpoint in
// DIR/endpoint, each message is answered with one word. DIR holds key.pem and cert.pem.
//
// usage: node api.mjs DIR
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';

const dir = process.argv[2];
const endpoint = new URL(readFileSync(`${dir}/endpoint/url`, 'utf8').trim());
const ca = readFileSync(`${dir}/endpoint/ca.pem`);

function forward(incoming, body, answer) {
  const headers = { 'content-type': incoming.headers['content-type'], 'content-length': body.length };
  const onward = request(endpoint, { method: 'POST', ca, headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  onward.end(body);
}

const event = (type, members) => `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
const message = [
  event('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } }),
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'ok' } }),
  event('content_block_stop', { index: 0 }),
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } }),
  event('message_stop', {}),
].join('');

createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) }, (incoming, answer) => {
  const parts = [];
  incoming.on('data', (part) => parts.push(part));
  incoming.on('end', () => {
    if (incoming.url === '/v1/oauth/token') return forward(incoming, Buffer.concat(parts), answer);
    if (incoming.url.startsWith('/v1/messages')) return answer.writeHead(200, { 'content-type': 'text/event-stream' }).end(message);
    answer.writeHead(404, { 'content-type': 'application/json' }).end('{}');
  });
}).listen(443, '127.0.0.1', () => writeFileSync(`${dir}/api-ready`, `${process.pid}\n`));
