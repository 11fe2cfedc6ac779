// SPDX-License-Identifier: Apache-2.0
// oidc-provider on loopback with a person's pages: the code flow with PKCE, which it demands, the device flow, rotation and
// revocation. DIR holds key.pem and cert.pem for localhost; it gets `issuer` and, once all is ready, `ready`. Each request
// but those of pages adds one line of JSON to DIR/requests.
//
// usage: node login.mjs NODE_MODULES DIR
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const [modules, dir] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const server = createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `https://localhost:${server.address().port}`;

const client = (client_id, token_endpoint_auth_method) => ({
  client_id,
  token_endpoint_auth_method,
  ...(token_endpoint_auth_method !== 'none' && { client_secret: 'a secret of the client: &+%' }),
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback'],
});

const provider = new Provider(issuer, {
  clients: [client('public', 'none'), client('basic', 'client_secret_basic'), client('post', 'client_secret_post')],
  features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true }, revocation: { enabled: true } },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, asking) => asking.grantTypeAllowed('refresh_token'),
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  ttl: { AccessToken: 3600, RefreshToken: 86400, Grant: 86400, IdToken: 3600, Session: 3600, Interaction: 600, DeviceCode: 600 },
  cookies: { keys: ['tests'] },
});

provider.on('server_error', (_, error) => appendFileSync(`${dir}/errors`, `${error}\n`));
provider.use(async (ctx, next) => {
  await next();
  const { grant_type: grant, code_challenge_method: challenge, token_type_hint: revoked } = ctx.oidc?.params ?? {};
  if (grant ?? challenge ?? revoked) {
    const entry = { path: ctx.path, client: ctx.oidc.client?.clientId, grant, challenge, revoked, status: ctx.status };
    appendFileSync(`${dir}/requests`, `${JSON.stringify(entry)}\n`);
  }
});
server.on('request', provider.callback());

writeFileSync(`${dir}/issuer`, `${issuer}\n`);
writeFileSync(`${dir}/ready`, `${process.pid}\n`);
process.on('SIGTERM', () => process.exit(0));
