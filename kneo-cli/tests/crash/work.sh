#!/bin/sh
# Says outside the store that a call began, works a moment, and answers with its input and its own name.
printf '%s %s %s\n' "$KNEO_RUN_ID" "$KNEO_PATH" "$KNEO_ATTEMPT" >> starts.log
sleep "0.00$(($$ % 10))"
printf '%s.%s' "$(tr -d '"')" "$1"
