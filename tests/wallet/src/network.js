// Networks (EIP-3326, EIP-3085), tokens to watch (EIP-747), and whatever else a node answers.
import { createAsyncMiddleware, createScaffoldMiddleware, mergeMiddleware } from "@metamask/json-rpc-engine"
import { JsonRpcError, providerErrors, rpcErrors } from "@metamask/rpc-errors"

import { ask } from "./approvals.js"
import { addNetwork, chainId, knows, network, networkState, switchTo } from "./state.js"

const UNKNOWN_CHAIN = 4902
const PATIENCE_MS = 5000 // Ganache now and then leaves a question unanswered

/** Ask the node of the network that the wallet is on. */
export async function rpc(method, params) {
  const { rpcUrl } = network()
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })
  const headers = { "Content-Type": "application/json" }
  const asked = async (signal = null) => (await fetch(rpcUrl, { method: "POST", headers, body, signal })).json()
  const isRead = method !== "eth_sendRawTransaction"
  const answer = isRead ? asked(AbortSignal.timeout(PATIENCE_MS)).catch(() => asked()) : asked()
  const { result, error } = await answer.catch(() => {
    throw rpcErrors.internal(`The node of ${network().name} does not answer.`)
  })
  if (error) throw new JsonRpcError(error.code ?? -32603, error.message, error.data)
  return result
}

export function createNetworkMiddleware() {
  const ours = createScaffoldMiddleware({
    eth_chainId: answer(() => chainId()),
    net_version: answer(() => networkState().networkVersion),
    wallet_switchEthereumChain: answer(onSwitch),
    wallet_addEthereumChain: answer(onAdd),
    wallet_watchAsset: answer(onWatch),
  })
  const node = createAsyncMiddleware(async (request, response) => {
    if (/^(wallet|metamask)_/.test(request.method)) throw rpcErrors.methodNotFound()
    response.result = await rpc(request.method, request.params ?? [])
  })
  return mergeMiddleware([ours, node])
}

function answer(work) {
  return createAsyncMiddleware(async (request, response) => {
    response.result = await work(request.params, request.origin)
  })
}

async function onSwitch([{ chainId: wanted }], origin) {
  if (!knows(wanted)) throw providerErrors.custom({ code: UNKNOWN_CHAIN, message: `Chain ${wanted} is not known. Add it first.` })
  if (wanted === chainId()) return null
  await ask({ title: "Switch network", origin, lines: [["Chain", wanted]] })
  switchTo(wanted)
  return null
}

async function onAdd([{ chainId: wanted, chainName, rpcUrls = [] }], origin) {
  const [url] = rpcUrls
  if (!/^0x[1-9a-f][0-9a-f]*$/.test(wanted)) throw rpcErrors.invalidParams("chainId is not a hex number.")
  if (!url || !isAllowed(url)) throw rpcErrors.invalidParams("rpcUrls holds no HTTPS or local URL.")
  await ask({ title: "Add network", origin, lines: [["Chain", wanted], ["Name", String(chainName)], ["Node", url]] })
  if (!knows(wanted)) addNetwork(wanted, String(chainName), url)
  switchTo(wanted)
  return null
}

/** As MetaMask: plain HTTP only for what is local. */
function isAllowed(text) {
  const { protocol, hostname } = new URL(text)
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname))
}

async function onWatch({ type, options = {} }, origin) {
  if (!/^ERC(20|721|1155)$/.test(type)) throw rpcErrors.invalidParams(`Assets of type ${type} are not known.`)
  await ask({ title: "Watch asset", origin, lines: [["Address", options.address], ["Symbol", String(options.symbol)]] })
  return true
}
