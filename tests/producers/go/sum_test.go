package sum

import "testing"

func TestAdd(t *testing.T) {}

func TestFails(t *testing.T) { t.Error("no") }

func TestSkipped(t *testing.T) { t.Skip("not today") }

func TestParent(t *testing.T) {
	t.Run("a/b", func(t *testing.T) {})
	t.Run("fails", func(t *testing.T) { t.Fatal("no") })
}
