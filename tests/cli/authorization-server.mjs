// SPDX-License-Identifier: Apache-2.0
// An authorization server on loopback that does what files in DIR say: `yes` or `no` is the person's word on a device code,
// and while `hold` is there, a refresh gets no answer. DIR gets `issuer`, and a line of JSON in `requests` for each POST.
//
// usage: node authorization-server.mjs DIR
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const dir = process.argv[2];
const has = (name) => existsSync(`${dir}/${name}`);
const challenges = new Map();
let issued = 0;

const grant = () => [200, { access_token: `at-secret-${++issued}`, refresh_token: `rt-secret-${issued}`, expires_in: 3600, token_type: 'Bearer' }];
const refusal = (error, description) => [400, { error, error_description: description }];

async function released() {
  while (has('hold')) {
    const changes = watch(dir);
    await new Promise((changed) => (has('hold') ? changes.once('change', changed) : changed()));
    changes.close();
  }
}

async function token(asked) {
  if (asked.get('grant_type') === 'refresh_token') {
    await released();
    return grant();
  }
  if (asked.get('grant_type') === 'authorization_code') {
    const challenge = createHash('sha256').update(asked.get('code_verifier') ?? '').digest('base64url');
    return challenges.get(asked.get('code')) === challenge ? grant() : refusal('invalid_grant');
  }
  if (has('no')) return refusal('access_denied', 'the person \x1b[2Jsaid no');
  return has('yes') ? grant() : refusal('authorization_pending');
}

const answers = {
  '/token': token,
  '/revoke': () => [200, {}],
  '/device': () => [200, { device_code: 'dc-secret', user_code: 'WDJB-MJHT', verification_uri: `${issuer}/there`, interval: 1, expires_in: 60 }],
};

const server = createServer((request, response) => {
  const url = new URL(request.url, issuer);
  const send = (status, body, headers = {}) => response.writeHead(status, headers).end(JSON.stringify(body));
  if (request.method === 'POST') {
    let text = '';
    request.on('data', (part) => { text += part; });
    request.on('end', async () => {
      const asked = new URLSearchParams(text);
      appendFileSync(`${dir}/requests`, `${JSON.stringify({ path: url.pathname, grant: asked.get('grant_type'), token: asked.get('token') })}\n`);
      send(...await (answers[url.pathname]?.(asked) ?? [404, {}]));
    });
  } else if (url.pathname === '/.well-known/oauth-authorization-server') {
    const endpoint = (name) => `${issuer}/${name}`;
    send(200, { issuer, token_endpoint: endpoint('token'), authorization_endpoint: endpoint('authorize'), device_authorization_endpoint: endpoint('device'), revocation_endpoint: endpoint('revoke') });
  } else if (url.pathname === '/authorize') {
    challenges.set('the-code', url.searchParams.get('code_challenge'));
    const location = `${url.searchParams.get('redirect_uri')}?code=the-code&state=${url.searchParams.get('state')}`;
    send(302, {}, { location });
  } else send(404, {});
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
writeFileSync(`${dir}/issuer`, issuer);
writeFileSync(`${dir}/ready`, `${process.pid}\n`);
