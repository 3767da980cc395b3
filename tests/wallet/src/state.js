// Keys, networks, and which site may see which account. Given by the test; nothing outlives the browser's profile.
import SimpleKeyring from "@metamask/eth-simple-keyring"

export const keyring = new SimpleKeyring()
const state = { accounts: [], networks: {}, chainId: "0x539", permitted: {} }
let tell = () => undefined

/** @param listener told of what pages have to know: a notification's method, and its params for an origin */
export function whenChanged(listener) {
  tell = listener
}

/**
 * What the test gives, each part only when it is there.
 * @param given keys: hex private keys; networks: { "0x539": { name, rpcUrl } }; chainId; forget: true takes back what
 *   sites may see
 */
export async function configure(given) {
  if (given.forget) state.permitted = {}
  if (given.keys) {
    await keyring.deserialize(given.keys)
    state.accounts = await keyring.getAccounts()
  }
  if (given.networks) state.networks = given.networks
  if (given.chainId) switchTo(given.chainId)
  if (given.forget || given.keys) accountsChanged()
  return { accounts: state.accounts, chainId: state.chainId }
}

export const allAccounts = () => state.accounts
export const chainId = () => state.chainId
export const network = () => state.networks[state.chainId]
export const knows = (id) => id in state.networks

export function accountsFor(origin) {
  return (state.permitted[origin] ?? []).filter((one) => state.accounts.includes(one))
}

export function permit(origin, accounts) {
  state.permitted[origin] = accounts
  accountsChanged()
}

export function addNetwork(id, name, rpcUrl) {
  state.networks[id] = { name, rpcUrl }
}

export function switchTo(id) {
  if (id === state.chainId) return
  state.chainId = id
  tell({ method: "metamask_chainChanged", paramsFor: () => networkState() })
}

export function networkState() {
  return { chainId: state.chainId, networkVersion: String(Number(state.chainId)), isConnected: true }
}

function accountsChanged() {
  tell({ method: "metamask_accountsChanged", paramsFor: accountsFor })
}
