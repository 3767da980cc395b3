// A transaction: what a site leaves out is filled in from the network, then signed by the keyring and sent.
import { Common, Hardfork } from "@ethereumjs/common"
import { TransactionFactory } from "@ethereumjs/tx"

import { rpc } from "./network.js"
import { chainId, keyring } from "./state.js"

const hex = (number) => `0x${number.toString(16)}`

export async function filled({ from, to, value = "0x0", data, input, gas, gasLimit, nonce, maxFeePerGas, maxPriorityFeePerGas }) {
  const call = { from, to, value, data: data ?? input }
  const price = BigInt(maxFeePerGas ?? (await rpc("eth_gasPrice", [])))
  return {
    ...call,
    gasLimit: gas ?? gasLimit ?? hex((BigInt(await rpc("eth_estimateGas", [call])) * 6n) / 5n),
    nonce: nonce ?? (await rpc("eth_getTransactionCount", [from, "pending"])),
    maxFeePerGas: hex(maxFeePerGas ? price : price * 2n),
    maxPriorityFeePerGas: maxPriorityFeePerGas ?? hex(price / 2n),
    chainId: chainId(),
  }
}

export async function sent({ from, ...fields }) {
  const common = Common.custom({ chainId: Number(fields.chainId) }, { hardfork: Hardfork.London })
  const transaction = TransactionFactory.fromTxData({ ...fields, type: 2 }, { common })
  const signed = await keyring.signTransaction(from, transaction)
  const raw = [...signed.serialize()].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return rpc("eth_sendRawTransaction", [`0x${raw}`])
}
