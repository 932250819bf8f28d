#!/bin/sh
# Says outside the store that a call began, and never ends by itself the first time.
printf '%s %s %s\n' "$KNEO_RUN_ID" "$KNEO_PATH" "$KNEO_ATTEMPT" >> starts.log
if [ "$KNEO_ATTEMPT" -eq 1 ]; then
    sleep 1000
fi
printf '%s.%s' "$(tr -d '"')" "$1"
