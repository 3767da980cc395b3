// The window that asks. Nothing is shared, signed or sent that was not confirmed there.
import { providerErrors, rpcErrors } from "@metamask/rpc-errors"

const PATIENCE_MS = 8000 // Chromium now and then makes no window
const open = new Map() // id → { question, decide, shown }
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
  try {
    await show(id)
    const answer = await decided
    if (!answer.confirmed) throw providerErrors.userRejectedRequest()
    return answer.accounts
  } finally {
    open.delete(id)
  }
}

async function show(id) {
  const shown = new Promise((tell) => (open.get(id).shown = () => tell(true)))
  const window = { url: `approval.html#${id}`, type: "popup", width: 420, height: 640 }
  for (let tries = 0; tries < 3; tries++) {
    chrome.windows.create(window)
    if (await Promise.race([shown, new Promise((wake) => setTimeout(wake, PATIENCE_MS))])) return
  }
  throw rpcErrors.internal("No window could be opened to ask in.")
}

/** A window of ours has opened its port, which is named for its question. */
export function whenDecided(port) {
  const asked = open.get(port.name)
  if (!asked) return
  asked.shown()
  port.onMessage.addListener((answer) => asked.decide(answer))
  port.onDisconnect.addListener(() => asked.decide({ confirmed: false }))
  port.postMessage(asked.question)
}
