package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"autocrm/doctor"
	"autocrm/store"
)

// examiner is the doctor at the service of the admin portal: as the command examines, with what serve runs with.
type examiner struct {
	options    doctor.Options
	log        *store.HealthLog
	background context.Context
	group      *sync.WaitGroup
	logger     *slog.Logger
}

// examine begins an examination on behalf of actor, and keeps what it finds when it ends.
func (e *examiner) examine(ctx context.Context, actor store.Actor) error {
	id, err := e.log.BeginExamination(ctx, actor)
	if err != nil {
		return err
	}
	e.group.Go(func() {
		findings := doctor.Examine(e.background, e.options).Findings
		if e.background.Err() != nil {
			findings = nil // interrupted, it would find fault with everything
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(e.background), 2*time.Second)
		defer cancel()
		if err := e.log.EndExamination(ending, id, findings); err != nil {
			e.logger.Error("what the doctor found could not be kept", "error", err)
		}
	})
	return nil
}
