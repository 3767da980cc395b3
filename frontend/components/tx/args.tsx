import Link from "next/link"
import { zeroAddress } from "viem"

import { Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { isCid, placeOf } from "@/lib/evidence"
import type { Arg } from "@/lib/tx"
import { labelOf, wordsOf } from "@/lib/tx-words"
import { t } from "@/texts/en"

/** The arguments of a call, event or error in people's terms, what is in them below their name; and as they are. */
export function Args({ args }: { args: Arg[] }) {
  if (args.length === 0) return null
  return (
    <>
      <List args={args} />
      <details className="mt-2 text-sm">
        <summary className="text-soft min-h-6 w-fit cursor-pointer">{t.tx.raw}</summary>
        <Facts>
          {args.map(({ name, raw }) => (
            <Fact key={name} name={name}>
              <Exact text={raw} />
            </Fact>
          ))}
        </Facts>
      </details>
    </>
  )
}

function List({ args }: { args: Arg[] }) {
  return (
    <Facts>
      {args.map((arg) =>
        "inside" in arg.told ? (
          <div key={arg.name} className="col-span-2" data-arg={arg.name}>
            <dt className="text-soft">{labelOf(arg.name, arg.within)}</dt>
            <dd className="border-line mt-1 ml-0.5 border-l pl-3">
              {arg.told.inside.length > 0 ? <List args={arg.told.inside} /> : t.common.none}
            </dd>
          </div>
        ) : (
          <Fact key={arg.name} name={labelOf(arg.name, arg.within)}>
            <span data-arg={arg.name}>
              <Value kind={arg.told.kind} value={arg.told.value} raw={arg.raw} />
            </span>
          </Fact>
        ),
      )}
    </Facts>
  )
}

type Leaf = Extract<Arg["told"], { kind: unknown }>

function Value({ kind, value, raw }: Leaf & { raw: string }) {
  switch (kind) {
    case "job":
      return (
        <Link href={`/deployments/${raw}`} className="text-brand font-mono text-[13px] break-all underline">
          {raw}
        </Link>
      )
    case "address":
      return raw === zeroAddress ? t.common.none : <CopyText text={raw} />
    case "image":
      return <CopyText text={`sha256:${raw.slice(2)}`} />
    case "cid":
      return <Content path={raw} />
    default:
      return wordsOf(kind, value) ?? <Exact text={raw} />
  }
}

/** What is on IPFS by its CID, and the path in it. */
function Content({ path }: { path: string }) {
  const place = placeOf(path)
  if (!place || !isCid(place.cid)) return path === "" ? t.common.none : <Exact text={path} />
  return (
    <>
      <CopyText text={place.cid} /> {place.inner && <span className="[overflow-wrap:anywhere]">/{place.inner}</span>}
    </>
  )
}

function Exact({ text }: { text: string }) {
  return <span className="font-mono text-[13px] break-all">{text}</span>
}
