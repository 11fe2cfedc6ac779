// SPDX-License-Identifier: Apache-2.0
// oidc-provider on loopback: clients whose refresh tokens are rotated, and whose grant is revoked when one is used twice. `public`
// has no secret, `post` and `basic` authenticate so, and `resource` has tokens for one resource (RFC 8707). DIR holds key.pem and
// cert.pem for localhost, and `secret`; it gets url, login-CLIENT.json (a first login of each) and, once all is ready,
// `ready`. Each request of a token adds one line of JSON to DIR/requests, each revoked grant one to DIR/revoked.
//
// usage: node provider.mjs NODE_MODULES DIR
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const [modules, dir] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const accessTokenSeconds = 8 * 3600;
const resource = 'https://api.example.org';
const methods = { public: 'none', post: 'client_secret_post', basic: 'client_secret_basic', resource: 'none' };
const secret = readFileSync(`${dir}/secret`, 'utf8').trimEnd();

const server = createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `https://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: Object.entries(methods).map(([client_id, token_endpoint_auth_method]) => ({
    client_id,
    token_endpoint_auth_method,
    ...(token_endpoint_auth_method !== 'none' && { client_secret: secret }),
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://localhost/callback'],
  })),
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'read', audience: resource, accessTokenTTL: accessTokenSeconds, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
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
  if (ctx.path === '/token') note('requests', { client: ctx.oidc?.client?.clientId, refreshToken: hash(ctx.oidc?.params?.refresh_token), resource: ctx.oidc?.params?.resource, status: ctx.status });
});
server.on('request', provider.callback());

async function firstLogin(clientId) {
  const client = await provider.Client.find(clientId);
  const accountId = 'person';
  const scope = clientId === 'resource' ? 'read offline_access' : 'openid offline_access';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  grant.addResourceScope(resource, 'read');
  const common = { accountId, client, grantId: await grant.save(), gty: 'authorization_code', scope };
  const refreshToken = new provider.RefreshToken({ ...common, rotations: 0, iiat: Math.floor(Date.now() / 1000) });
  if (clientId === 'resource') refreshToken.resource = resource;
  return {
    access_token: await new provider.AccessToken(common).save(),
    refresh_token: await refreshToken.save(),
    expires_at: Math.floor(Date.now() / 1000) + accessTokenSeconds,
    scope,
  };
}

for (const client of Object.keys(methods))
  writeFileSync(`${dir}/login-${client}.json`, JSON.stringify(await firstLogin(client)), { mode: 0o600 });
writeFileSync(`${dir}/url`, `${issuer}/token\n`);
writeFileSync(`${dir}/ready`, `${process.pid}\n`);
process.on('SIGTERM', () => process.exit(0));
