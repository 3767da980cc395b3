"use client"

import { Tabs as Radix } from "radix-ui"
import type { ReactNode } from "react"

const LOOK =
  "data-[state=active]:border-brand data-[state=active]:text-brand cursor-pointer border-b-2 border-transparent px-3 py-2 text-sm font-medium whitespace-nowrap"

interface Props<Name extends string> {
  label: string
  names: Readonly<Record<Name, string>>
  open: Name
  onOpen: (name: Name) => void
  children: ReactNode
}

/** Views of which one is shown. */
export function Tabs<Name extends string>({ label, names, open, onOpen, children }: Props<Name>) {
  const all = Object.keys(names) as Name[]
  return (
    <Radix.Root value={open} onValueChange={(name) => onOpen(name as Name)}>
      <Radix.List aria-label={label} className="border-line flex gap-1 overflow-x-auto border-b">
        {all.map((name) => (
          <Radix.Trigger key={name} value={name} className={LOOK}>
            {names[name]}
          </Radix.Trigger>
        ))}
      </Radix.List>
      <Radix.Content value={open} className="pt-4">
        {children}
      </Radix.Content>
    </Radix.Root>
  )
}
