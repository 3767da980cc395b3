# Sourced: $forge, the native binary (npm's launcher of it hides failing tests), and the compiler it is to use.
forge=$(command -v node_modules/@foundry-rs/forge-*/bin/forge || command -v forge || true)
if [ -z "$forge" ]; then
  echo "✗ forge is not installed, and npm has none for this machine." "Get it: https://getfoundry.sh" >&2
  exit 1
fi
FOUNDRY_SOLC=$(ls "$PWD"/build/solcx/solc-v*)
export FOUNDRY_SOLC
