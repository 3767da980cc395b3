"use client"

import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts"

import { drawn, told, type Bar as Amount, type Measure } from "@/lib/spending"

interface Props {
  bars: Amount[]
  measure: Measure
  unit: string
  /** Along time, or one under the other with its name. */
  along: "time" | "names"
}

const TEXT = { fill: "var(--soft)", fontSize: 12 }
const ROW_PX = 34
const NAME_LETTERS = 16

/** Bars of one measure. Loaded when it is needed: the chart library is larger than the page. */
export default function Bars({ bars, measure, unit, along }: Props) {
  const data = bars.map((bar) => ({ ...bar, value: drawn(bar.amount, measure) }))
  const names = along === "names"
  const value = { type: "number", tick: TEXT, stroke: "var(--line)" } as const
  const category = { type: "category", dataKey: "name", tick: TEXT, stroke: "var(--line)" } as const
  const short = (name: string) => (name.length > NAME_LETTERS ? `${name.slice(0, NAME_LETTERS - 1)}…` : name)
  return (
    <ResponsiveContainer width="100%" height={names ? Math.max(2, bars.length) * ROW_PX + 40 : 240}>
      <BarChart
        data={data}
        layout={names ? "vertical" : "horizontal"}
        accessibilityLayer={false}
        margin={{ top: 4, right: 12, bottom: 0, left: 0 }}
      >
        <CartesianGrid stroke="var(--line)" strokeDasharray="3 3" vertical={names} horizontal={!names} />
        {names ? <XAxis {...value} /> : <XAxis {...category} minTickGap={24} />}
        {names ? <YAxis {...category} width={120} tickFormatter={short} /> : <YAxis {...value} width={76} />}
        <Tooltip
          cursor={{ fill: "var(--line)", opacity: 0.4 }}
          contentStyle={{ background: "var(--card)", border: "1px solid var(--line)", borderRadius: 6 }}
          labelStyle={{ color: "var(--ink)" }}
          itemStyle={{ color: "var(--ink)" }}
          formatter={(_, __, { payload }: { payload?: Amount }) => [
            `${told(payload?.amount ?? 0n, measure)} ${unit}`,
            "",
          ]}
          separator=""
          isAnimationActive={false}
        />
        {/* What moves into its place is meanwhile in a wrong one. */}
        <Bar
          dataKey="value"
          fill="var(--brand)"
          radius={names ? [0, 3, 3, 0] : [3, 3, 0, 0]}
          maxBarSize={28}
          isAnimationActive={false}
        />
      </BarChart>
    </ResponsiveContainer>
  )
}
