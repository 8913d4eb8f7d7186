package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// bar shows how far something long is: on a terminal as a bar that grows in its place, elsewhere as a line for each
// thing that is done, and every ten seconds while it lasts.
type bar struct {
	out      *os.File
	terminal bool
	doing    string
	begun    time.Time // of what it does
	shown    time.Time
}

func newBar(out *os.File) *bar {
	info, err := out.Stat()
	return &bar{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show tells what is being done and how much of it is; total 0 is for what nobody can count.
func (b *bar) show(doing string, done, total int) {
	every := 10 * time.Second
	if b.terminal {
		every = 100 * time.Millisecond
	}
	if doing != b.doing {
		b.end()
		b.doing, b.begun, b.shown = doing, time.Now(), time.Time{}
	} else if time.Since(b.shown) < every && done < total {
		return
	}
	b.shown = time.Now()
	text := fmt.Sprintf("%-26s", doing)
	if total > 0 {
		text += fmt.Sprintf(" %3d %%", 100*done/total)
	}
	if b.terminal {
		const width = 40
		full := 0
		if total > 0 {
			full = width * done / total
		}
		fmt.Fprintf(b.out, "\r\x1b[K%s  [%s%s]", text, strings.Repeat("#", full), strings.Repeat(" ", width-full))
	} else {
		fmt.Fprintln(b.out, text)
	}
}

// end finishes what is shown, with how long it took.
func (b *bar) end() {
	if b.doing == "" {
		return
	}
	took := time.Since(b.begun).Round(100 * time.Millisecond)
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K%-26s  %s\n", b.doing, took)
	} else {
		fmt.Fprintf(b.out, "%-26s done in %s\n", b.doing, took)
	}
	b.doing = ""
}
