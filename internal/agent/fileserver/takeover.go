// SPDX-License-Identifier: MPL-2.0

//go:build linux

package fileserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// takeOver replaces a stale lock. Several agents may see the same stale lock, and
// a slow one must not remove the lock of the one that was first. So each claims
// the right to replace what it saw: a claim is a file that only one can make,
// named after the sighting. Whoever has the claim looks again, and only then
// renames its own lock over the stale one. A claim whose owner died is stale
// after the same time; the next claim has the next number, so no claim is ever
// removed from under its owner.
func (l *heldLock) takeOver(seen sighting) error {
	claims, err := l.claim(seen)
	if err != nil {
		return err
	}
	own := claims[len(claims)-1]
	again, err := l.inspect()
	if errors.Is(err, fs.ErrNotExist) || err == nil && again.key != seen.key {
		err = errMoved
	}
	if err != nil {
		return errors.Join(err, l.locks.discard(own))
	}
	temp := tempName()
	if err := l.create(temp); err != nil {
		return errors.Join(err, l.locks.discard(own))
	}
	if err := l.locks.Rename(temp, l.name); err != nil {
		l.file.Close()
		return errors.Join(explain("locking", l.locks.child(l.name), err), l.locks.discard(temp), l.locks.discard(own))
	}
	fmt.Fprintf(os.Stderr, "took over the lock %s of %q: it was not refreshed for %s\n",
		l.locks.child(l.name), seen.holder.Owner, seen.age.Round(time.Second))
	for _, name := range claims {
		if err := l.locks.discard(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return nil
}

// claim returns the names of all claims on the sighting; the last is ours.
func (l *heldLock) claim(seen sighting) ([]string, error) {
	var names []string
	for number := 0; ; number++ {
		name := l.claimName(seen, number)
		names = append(names, name)
		f, err := l.locks.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return names, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, explain("locking", l.locks.child(l.name), err)
		}
		age, err := l.claimAge(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errMoved
		case err != nil:
			return nil, err
		case age < l.stale:
			return nil, l.refused(seen.holder) // somebody is taking it over
		}
	}
}

func (l *heldLock) claimName(seen sighting, number int) string {
	return fmt.Sprintf(".%s.claim-%s-%d", l.name, seen.key, number)
}

func (l *heldLock) claimAge(name string) (time.Duration, error) {
	f, info, err := l.locks.open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	now, err := l.locks.clock()
	if err != nil {
		return 0, err
	}
	return now.Sub(info.ModTime()), nil
}
