// SPDX-License-Identifier: Apache-2.0
// An MCP server on loopback (@modelcontextprotocol/sdk) with oidc-provider as its authorization server: clients register themselves,
// every sign-in is granted, refresh tokens are rotated, and a login is revoked when one is used twice. DIR gets url and, once all is
// ready, `ready`. Each request of a token or to the MCP server adds one line of JSON to DIR/requests, each revoked grant one to
// DIR/revoked; a token is named by its hash.
//
// usage: node mcp.mjs NODE_MODULES DIR
//
// GET /control/PATH:
//   hold?n=N      the next N requests for a refresh are not answered before a release
//   release       answers what is held
//   refuse_old    from now on, only the newest access token is accepted
//   answer_503    to the next request for a refresh
import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [modules, dir] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${modules}/${path}`));
const { default: Provider } = await load('oidc-provider/lib/index.js');
const { McpServer } = await load('@modelcontextprotocol/sdk/dist/esm/server/mcp.js');
const { StreamableHTTPServerTransport } = await load('@modelcontextprotocol/sdk/dist/esm/server/streamableHttp.js');

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://localhost:${server.address().port}`;
const resource = `${issuer}/mcp`;
// Each grant has a refresh token without the scope offline_access, for which not every client asks as OpenID Connect demands it.
const scope = 'tools';

const provider = new Provider(issuer, {
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope, audience: resource, accessTokenTTL: 8 * 3600, accessTokenFormat: 'opaque' }),
    },
  },
  scopes: [scope],
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  cookies: { keys: ['tests'] },
});

const note = (file, entry) => appendFileSync(`${dir}/${file}`, `${JSON.stringify(entry)}\n`);
const hash = (token) => (token ? createHash('sha256').update(token).digest('hex') : null);
provider.on('grant.revoked', (_, grantId) => note('revoked', { grantId }));
provider.on('server_error', (_, error) => note('errors', { error: String(error) }));
let newest = null;
let refuseOld = false;
let holds = 0;
let isAway = false;
const held = [];
const controls = {
  hold: (query) => { holds = Number(query.get('n')); },
  release: () => { holds = 0; held.splice(0).forEach((go) => go()); },
  refuse_old: () => { refuseOld = true; },
  answer_503: () => { isAway = true; },
};

provider.use(async (ctx, next) => {
  if (ctx.path === '/token' && isAway) {
    isAway = false;
    ctx.status = 503;
    return;
  }
  if (ctx.path === '/token' && holds > 0) {
    --holds;
    note('requests', { what: 'held' });
    await new Promise((go) => held.push(go));
  }
  await next();
  if (ctx.path !== '/token') return;
  newest = ctx.body?.access_token ?? newest;
  const { grant_type, refresh_token, resource: of } = ctx.oidc?.params ?? {};
  note('requests', { what: grant_type, refreshToken: hash(refresh_token), resource: of, status: ctx.status, error: ctx.body?.error_description });
});
const callback = provider.callback();

async function signIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: 'person', clientId: params.client_id });
  grant.addOIDCScope(scope);
  grant.addResourceScope(resource, scope);
  await provider.interactionFinished(request, response, { login: { accountId: 'person' }, consent: { grantId: await grant.save() } });
}

async function useTools(request, response) {
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  const known = token && (!refuseOld || token === newest) && (await provider.AccessToken.find(token));
  note('requests', { what: 'mcp', token: hash(token), status: known ? 200 : 401 });
  if (!known) {
    const metadata = `${issuer}/.well-known/oauth-protected-resource/mcp`;
    // As the SDK's own check of a token says it.
    const error = `error="invalid_token", error_description="${token ? 'it is not valid' : 'there is none'}"`;
    response.writeHead(401, { 'WWW-Authenticate': `Bearer ${error}, resource_metadata="${metadata}"` }).end();
    return;
  }
  const mcp = new McpServer({ name: 'tests', version: '1' });
  mcp.registerTool('ping', { description: 'answers', annotations: { readOnlyHint: true } }, () => {
    note('requests', { what: 'call', token: hash(token) });
    return { content: [{ type: 'text', text: 'pong' }] };
  });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await mcp.connect(transport);
  await transport.handleRequest(request, response);
}

server.on('request', async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname.startsWith('/control/')) {
    controls[pathname.split('/')[2]](searchParams);
    response.end();
  } else if (pathname === '/.well-known/oauth-protected-resource/mcp') {
    const metadata = { resource, authorization_servers: [issuer], scopes_supported: [scope] };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(metadata));
  } else if (pathname.startsWith('/interaction/')) {
    await signIn(request, response);
  } else if (pathname === '/mcp') {
    await useTools(request, response);
  } else {
    callback(request, response);
  }
});

writeFileSync(`${dir}/url`, `${resource}\n`);
writeFileSync(`${dir}/ready`, `${process.pid}\n`);
process.on('SIGTERM', () => process.exit(0));
