// SPDX-License-Identifier: Apache-2.0
// oidc-provider on loopback: a public client whose refresh tokens are rotated, and whose grant is revoked when one is
// used twice. DIR holds key.pem and cert.pem for localhost; it gets url, login.json (a first login) and, once all is
// ready, `ready`. Each request of a token adds one line of JSON to DIR/requests, each revoked grant one to DIR/revoked.
//
// usage: node provider.mjs NODE_MODULES DIR
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const [modules, dir] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const accessTokenSeconds = 8 * 3600;
const scope = 'openid offline_access';
const clientId = 'oci-oauth-tests';

const server = createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `https://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://localhost/callback'],
  }],
  rotateRefreshToken: true,
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  ttl: { AccessToken: accessTokenSeconds, RefreshToken: 30 * 86400, Grant: 30 * 86400, IdToken: 3600 },
  cookies: { keys: ['tests'] },
});

const note = (file, entry) => appendFileSync(`${dir}/${file}`, `${JSON.stringify(entry)}\n`);
const hash = (token) => createHash('sha256').update(token ?? '').digest('hex');

provider.on('grant.revoked', (_, grantId) => note('revoked', { grantId }));
provider.on('server_error', (_, error) => note('errors', { error: String(error) }));
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/token') note('requests', { refreshToken: hash(ctx.oidc?.params?.refresh_token), status: ctx.status });
});
server.on('request', provider.callback());

async function firstLogin() {
  const client = await provider.Client.find(clientId);
  const accountId = 'person';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const common = { accountId, client, grantId: await grant.save(), gty: 'authorization_code', scope };
  return {
    access_token: await new provider.AccessToken(common).save(),
    refresh_token: await new provider.RefreshToken({ ...common, rotations: 0, iiat: Math.floor(Date.now() / 1000) }).save(),
    expires_at: Math.floor(Date.now() / 1000) + accessTokenSeconds,
  };
}

writeFileSync(`${dir}/login.json`, JSON.stringify(await firstLogin()), { mode: 0o600 });
writeFileSync(`${dir}/url`, `${issuer}/token\n`);
writeFileSync(`${dir}/ready`, `${process.pid}\n`);
process.on('SIGTERM', () => process.exit(0));
