// SPDX-License-Identifier: Apache-2.0
// One request with google-auth-library, the published reader of application default credentials: with those of
// GOOGLE_APPLICATION_CREDENTIALS, or with the access token in the file that CLOUDSDK_AUTH_ACCESS_TOKEN_FILE names.
//
// usage: node adc.mjs NODE_MODULES
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { GoogleAuth, OAuth2Client } = createRequire(`${process.argv[2]}/`)('google-auth-library');

function clientOfFile(path) {
  const client = new OAuth2Client();
  client.setCredentials({ access_token: readFileSync(path, 'utf8') });
  return client;
}

const file = process.env.CLOUDSDK_AUTH_ACCESS_TOKEN_FILE;
const client = file ? clientOfFile(file) : await new GoogleAuth({ projectId: 'project' }).getClient();
const { data } = await client.request({ url: 'https://www.googleapis.com/oauth2/v3/userinfo' });
console.log(data.sub === 'person' ? 'ok' : 'not ok');
