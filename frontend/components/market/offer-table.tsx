"use client"

import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type CellContext,
  type SortingState,
} from "@tanstack/react-table"
import { useVirtualizer } from "@tanstack/react-virtual"
import { useMemo, useRef, useState } from "react"

import { Badge } from "@/components/ui/badge"
import { CopyText } from "@/components/ui/copy-text"
import { useNow } from "@/hooks/use-now"
import { ago, cpus, mib } from "@/lib/format"
import { atMost, nearest, tokens } from "@/lib/money"
import { recordOf, type Offer } from "@/lib/offers"
import { t } from "@/texts/en"

interface Props {
  offers: Offer[]
  compared: ReadonlySet<string>
  onCompare: (address: string) => void
}

const ROW_PX = 56
const column = createColumnHelper<Offer>()
const LACKS = { "": "", gone: t.market.gone, draining: t.market.draining, small: t.market.tooSmall }
const amounts = (shown: (amount: bigint) => string) => ({
  cell: ({ getValue }: CellContext<Offer, bigint | undefined>) => {
    const amount = getValue()
    return amount === undefined ? "–" : shown(amount)
  },
  sortingFn: "basic" as const,
  sortDescFirst: false,
  sortUndefined: "last" as const, // whichever way it goes
})
const price = amounts((amount) => tokens(nearest(amount)))

/** All offers; only the rows in sight are in the page, so a thousand scroll like ten. */
export function OfferTable({ offers, compared, onCompare }: Props) {
  const [sorting, setSorting] = useState<SortingState>([{ id: "cost", desc: false }])
  const now = useNow()
  const columns = useMemo(
    () => [
      column.display({
        id: "compare",
        header: t.market.columns.compare,
        cell: ({ row }) => (
          <input
            type="checkbox"
            className="size-4"
            checked={compared.has(row.original.agent.agent)}
            onChange={() => onCompare(row.original.agent.agent)}
            aria-label={`${t.market.columns.compare} ${row.original.agent.agent}`}
          />
        ),
      }),
      column.accessor((offer) => offer.agent.agent, {
        id: "provider",
        header: t.market.columns.provider,
        cell: ({ row: { original } }) => (
          <span className="flex flex-wrap items-center gap-1">
            <CopyText text={original.agent.agent} />
            {original.lacks && <Badge tone="warn">{LACKS[original.lacks]}</Badge>}
          </span>
        ),
      }),
      column.accessor("region", { header: t.market.columns.location }),
      column.accessor((offer) => offer.agent.runtimes.join(", "), {
        id: "runtimes",
        header: t.market.columns.runtimes,
      }),
      column.accessor((offer) => offer.agent.free.cpu_millis, {
        id: "free",
        header: t.market.columns.free,
        cell: ({ row: { original } }) => {
          const { free, gpus_free: gpus } = original.agent
          return `${cpus(free.cpu_millis)} CPU, ${mib(free.memory_mib)}${gpus ? `, ${gpus} GPU` : ""}`
        },
      }),
      column.accessor((offer) => offer.prices?.cpuHour, {
        id: "cpu",
        header: t.market.columns.price,
        ...price,
      }),
      column.accessor((offer) => offer.prices?.memoryGibHour, {
        id: "memory",
        header: t.market.columns.memoryPrice,
        ...price,
      }),
      column.accessor((offer) => offer.prices?.hour, {
        id: "hour",
        header: t.market.columns.hourPrice,
        ...price,
      }),
      column.accessor((offer) => offer.cost ?? undefined, {
        id: "cost",
        header: t.market.columns.cost,
        ...amounts(atMost),
      }),
      column.accessor((offer) => offer.agent.record?.completed ?? -1, {
        id: "record",
        header: t.market.columns.record,
        cell: ({ row: { original } }) => recordOf(original),
      }),
      column.accessor((offer) => offer.agent.running, { id: "running", header: t.market.columns.running }),
      column.accessor((offer) => offer.agent.last_seen_ms, {
        id: "seen",
        header: t.market.columns.seen,
        cell: ({ getValue }) => (now ? ago(getValue(), now) : ""),
      }),
    ],
    [compared, now, onCompare],
  )
  const table = useReactTable({
    data: offers,
    columns,
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getRowId: (offer) => offer.agent.agent,
  })
  const rows = table.getRowModel().rows
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <div
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={t.market.title}
      className="border-line bg-card max-h-[70vh] overflow-auto rounded-lg border"
    >
      <table className="w-full min-w-[64rem] text-sm" aria-rowcount={rows.length + 1}>
        <thead className="bg-card sticky top-0 z-[1]">
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} className="border-line border-b">
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted()
                return (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}
                    className="px-2.5 py-2 text-left font-semibold whitespace-nowrap"
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="cursor-pointer"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        {flexRender(header.column.columnDef.header, header.getContext())}
                        {sorted === "asc" ? " ▲" : sorted === "desc" ? " ▼" : ""}
                      </button>
                    ) : (
                      flexRender(header.column.columnDef.header, header.getContext())
                    )}
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <tr style={{ height: before }} />}
          {items.map((item) => {
            const row = rows[item.index]
            if (!row) return null
            return (
              <tr key={row.id} aria-rowindex={item.index + 2} className="border-line h-14 border-b last:border-0">
                {row.getVisibleCells().map((cell) => (
                  <td key={cell.id} className="px-2.5 py-1 whitespace-nowrap tabular-nums">
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                ))}
              </tr>
            )
          })}
          {after > 0 && <tr style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  )
}
