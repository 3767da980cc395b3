// The extension's worker: an engine of requests for each page that is open, all on one state.
import { createWalletMiddleware } from "@metamask/eth-json-rpc-middleware"
import { JsonRpcEngine } from "@metamask/json-rpc-engine"
import { createEngineStream } from "@metamask/json-rpc-middleware-stream"
import { ExtensionPortStream } from "extension-port-stream"
import { pipeline } from "readable-stream"

import { whenDecided } from "./approvals.js"
import { PORT } from "./names.js"
import { createNetworkMiddleware } from "./network.js"
import { createPermissionMiddleware } from "./permissions.js"
import { signer } from "./signer.js"
import { accountsFor, configure, whenChanged } from "./state.js"

const pages = new Map() // engine → origin

chrome.runtime.onConnect.addListener((port) => {
  if (port.name !== PORT) return whenDecided(port)
  const origin = new URL(port.sender.url).origin
  const engine = new JsonRpcEngine()
  engine.push((request, _response, next) => {
    request.origin = origin
    next()
  })
  engine.push(createPermissionMiddleware())
  engine.push(createWalletMiddleware({ getAccounts: async (request) => accountsFor(request.origin), ...signer }))
  engine.push(createNetworkMiddleware())
  pages.set(engine, origin)
  const stream = new ExtensionPortStream(port)
  pipeline(stream, createEngineStream({ engine }), stream, () => pages.delete(engine))
})

whenChanged(({ method, paramsFor }) => {
  for (const [engine, origin] of pages) engine.emit("notification", { jsonrpc: "2.0", method, params: paramsFor(origin) })
})

globalThis.configure = configure // for the tests, which have the worker's console
