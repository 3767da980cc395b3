// Who may see the accounts: EIP-1102, EIP-2255, and what MetaMask's provider asks for at its start.
import { createAsyncMiddleware, createScaffoldMiddleware } from "@metamask/json-rpc-engine"

import { ask } from "./approvals.js"
import { accountsFor, allAccounts, networkState, permit } from "./state.js"

const answer = (work) =>
  createAsyncMiddleware(async (request, response) => {
    response.result = await work(request.origin, request.params)
  })

export function createPermissionMiddleware() {
  return createScaffoldMiddleware({
    metamask_getProviderState: answer((origin) => ({ ...networkState(), accounts: accountsFor(origin), isUnlocked: true })),
    metamask_sendDomainMetadata: answer(() => true),
    eth_requestAccounts: answer(async (origin) => {
      if (accountsFor(origin).length === 0) await connect(origin)
      return accountsFor(origin)
    }),
    wallet_requestPermissions: answer(async (origin) => {
      await connect(origin)
      return permissions(origin)
    }),
    wallet_getPermissions: answer(permissions),
    wallet_revokePermissions: answer((origin) => {
      permit(origin, [])
      return null
    }),
  })
}

async function connect(origin) {
  permit(origin, await ask({ title: "Connect", origin, accounts: allAccounts(), once: true }))
}

function permissions(origin) {
  const value = accountsFor(origin)
  if (value.length === 0) return []
  const caveats = [{ type: "restrictReturnedAccounts", value }]
  return [{ id: origin, invoker: origin, parentCapability: "eth_accounts", caveats, date: Date.now() }]
}
