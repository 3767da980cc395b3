// The window that asks. Nothing is shared, signed or sent that was not confirmed there.
import { providerErrors, rpcErrors } from "@metamask/rpc-errors"

const open = new Map() // id → { question, decide }
let last = 0

/**
 * Ask the person; resolves with what was chosen (the accounts, for a connection).
 * @param question title, origin, lines (pairs of a name and a text), accounts to choose from, and whether it may be open only once
 * @throws 4001 when it was refused or the window was closed; -32002 when it is open already
 */
export async function ask(question) {
  for (const one of question.once ? open.values() : []) {
    const same = one.question.origin === question.origin && one.question.title === question.title
    if (same) throw rpcErrors.resourceUnavailable(`A question "${question.title}" is open already. Answer it first.`)
  }
  const id = String(++last)
  const decided = new Promise((decide) => open.set(id, { question, decide }))
  await chrome.windows.create({ url: `approval.html#${id}`, type: "popup", width: 420, height: 640 })
  const answer = await decided
  open.delete(id)
  if (!answer.confirmed) throw providerErrors.userRejectedRequest()
  return answer.accounts
}

/** A window of ours has opened its port, which is named for its question. */
export function whenDecided(port) {
  const asked = open.get(port.name)
  if (!asked) return
  port.onMessage.addListener((answer) => asked.decide(answer))
  port.onDisconnect.addListener(() => asked.decide({ confirmed: false }))
  port.postMessage(asked.question)
}
