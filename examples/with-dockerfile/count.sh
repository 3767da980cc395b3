#!/bin/sh
# Counts to COUNT, one a second, and leaves the last number as its result.
number=0
while [ "$number" -lt "${COUNT:-5}" ]; do
  number=$((number + 1))
  echo "number $number"
  sleep 1
done
echo "$number" > /output/count.txt
