// What MetaMask's wallet middleware hands over to be shown, and then signed with its keyring.
import { ask } from "./approvals.js"
import { siteWarning } from "./siwe.js"
import { keyring } from "./state.js"
import { filled, sent } from "./transaction.js"

export const signer = {
  processPersonalMessage,
  processTypedMessage: ({ from, data }, { origin }) => typed(from, data, origin, "V1"),
  processTypedMessageV3: ({ from, data }, { origin }) => typed(from, JSON.parse(data), origin, "V3"),
  processTypedMessageV4: ({ from, data }, { origin }) => typed(from, JSON.parse(data), origin, "V4"),
  processTransaction,
}

async function processPersonalMessage({ from, data }, { origin }) {
  const text = new TextDecoder().decode(bytesOf(data))
  const siwe = / wants you to sign in with your Ethereum account:\n/.test(text)
  const title = siwe ? "Sign in" : "Sign"
  await ask({ title, origin, warning: siwe ? siteWarning(text, origin, from) : "", lines: [["From", from], ["Message", text]] })
  return keyring.signPersonalMessage(from, data)
}


async function typed(from, data, origin, version) {
  const lines = [["From", from], ["Data", JSON.stringify(data.message ?? data, null, 2)]]
  if (data.domain) lines.splice(1, 0, ["Domain", JSON.stringify(data.domain, null, 2)], ["Type", data.primaryType])
  await ask({ title: "Sign typed data", origin, lines })
  return keyring.signTypedData(from, data, { version })
}

/** Estimated before it is shown, so that the person sees what it costs; a call that would fail is refused here. */
async function processTransaction(given, { origin }) {
  const transaction = await filled(given)
  const lines = Object.entries(transaction).filter(([, value]) => value !== undefined)
  await ask({ title: "Send", origin, lines })
  return sent(transaction)
}

function bytesOf(hex) {
  return Uint8Array.from(hex.slice(2).match(/../g) ?? [], (byte) => parseInt(byte, 16))
}
