// In the place of a package that is never called.
export default () => {
  throw new Error("There is no such thing here.")
}
