// An OpenID provider for tests: oidc-provider as it is, invented people, and a way for the test to change keys and clock.
// Arguments: port, certificate, key, the desk's address. It says `ready` once it listens.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, certificate, key, desk] = process.argv.slice(2)
const issuer = `https://localhost:${port}`
const state = { people: {}, offset: 0, kid: 0, broken: null, userinfo: null }
const now = Date.now
Date.now = () => now() + state.offset * 1000

function makeKeys () {
  state.kid += 1
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: `key-${state.kid}`, use: 'sig', alg: 'RS256' }] }
}

function makeProvider () {
  const made = new Provider(issuer, {
    clients: [{
      client_id: 'doorward-desk',
      client_secret: 'a secret of tests and of nothing else',
      redirect_uris: [`${desk}/account/oidc/city/login/callback/`],
      post_logout_redirect_uris: [`${desk}/account/login/`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    jwks: makeKeys(),
    cookies: { keys: ['of tests'] },
    pkce: { required: () => true },
    acrValues: ['urn:example:two-factors'],
    claims: { openid: ['sub', 'acr', 'amr'], profile: ['preferred_username', 'name'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { Session: 3600, Grant: 3600, Interaction: 3600, IdToken: 300, AccessToken: 300 },
    findAccount: (_, id) => id in state.people
      ? { accountId: id, claims: () => ({ sub: id, ...state.people[id] }) }
      : undefined,
    async loadExistingGrant (context) {
      const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  made.on('server_error', (_, error) => console.error(error))
  return made
}

let provider = makeProvider()

async function bodyOf (request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function answer (request, response) {
  if (request.url === '/test') {
    Object.assign(state, JSON.parse(await bodyOf(request)))
    if (state.rotate) provider = makeProvider()
    state.rotate = false
    return response.end('{}')
  }
  if (state.broken) {
    response.statusCode = 503
    return response.end('closed')
  }
  if (state.userinfo && request.url === '/me') {
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify(state.userinfo))
  }
  if (request.url.startsWith('/interaction/')) {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html')
      return response.end('<!doctype html><html lang="en"><title>City</title><h1>City sign-in</h1><form method="post"><label>Who <input name="who"></label><button name="go" value="yes">Go on</button><button name="go" value="no">Refuse</button></form>')
    }
    const sent = new URLSearchParams(await bodyOf(request))
    const who = sent.get('who')
    const said = state.people[who] ?? {}
    const result = sent.get('go') === 'no'
      ? { error: 'access_denied' }
      : { login: { accountId: who, amr: said.amr, acr: said.acr } }
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }
  return provider.callback()(request, response)
}

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  answer(request, response).catch((error) => {
    console.error(error)
    response.statusCode = 500
    response.end()
  })
}).listen(Number(port), 'localhost', () => console.log('ready'))
