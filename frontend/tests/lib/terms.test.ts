import type { Address } from "viem"
import { expect, it } from "vitest"

import { jobIdOf, termsHash, termsOf } from "@/lib/terms"

import { vectors } from "../vectors"

const { body, hash, job_id, chain_id, escrow } = vectors.terms

it("terms have the hash, and the job the id, that the Python side and the contract give them", () => {
  const terms = termsOf(body)
  expect(termsHash(terms)).toBe(hash)
  expect(jobIdOf(chain_id, escrow as Address, terms)).toBe(job_id)
})

it("an id is of one chain, one escrow and these terms alone", () => {
  const terms = termsOf(body)
  const other = "0x0000000000000000000000000000000000000001"
  const ids = [
    jobIdOf(chain_id, escrow as Address, terms),
    jobIdOf(chain_id + 1, escrow as Address, terms),
    jobIdOf(chain_id, other, terms),
    jobIdOf(chain_id, escrow as Address, { ...terms, watcher: other }),
    jobIdOf(chain_id, escrow as Address, { ...terms, cid: `${terms.cid}a` }),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})
