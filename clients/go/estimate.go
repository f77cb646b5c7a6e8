// Exact cost estimates from credit-rates.json, without a request.

package main

import (
	"math/big"
	"strings"
)

type rateCards struct {
	Default string
	Cards   map[string]rateCard
}

type rateCard struct{ Rates []rate }

type rate struct {
	Operation    string
	ModelVersion string `json:"model_version"` // if absent, for every other model
	Credits      string
	BlockSeconds int64 `json:"block_seconds"`
	Between      []string
}

// A creditRange goes from the least to the most it may cost.
type creditRange struct{ Min, Max string }

// seconds are exact decimals.
type seconds struct{ Min, Max string }

// estimate returns the cost of count submissions; nil when the card has no price for them.
func (card rateCard) estimate(operation, model string, length seconds, count int64) *creditRange {
	rate, create, preview := card.find(operation, model), card.find("create", model), card.find("preview", model)
	if rate == nil || (rate.Between != nil && (create == nil || preview == nil)) {
		return nil
	}
	shortest, longest := decimal(length.Min), decimal(length.Max)
	lower := []*big.Rat{rate.of(shortest)}
	upper := []*big.Rat{rate.of(longest)}
	if rate.Between != nil {
		// A price changes only where a block starts. With a difference of prices, the cheapest duration
		// need not be the shortest.
		durations := []*big.Rat{shortest, longest}
		for _, block := range []int64{create.BlockSeconds, preview.BlockSeconds} {
			for n := startedBlocks(shortest, block); ; n++ {
				end := new(big.Rat).SetInt64(n * block)
				if end.Cmp(longest) >= 0 {
					break
				}
				durations = append(durations, end, new(big.Rat).Add(end, nanosecond))
			}
		}
		lower, upper = nil, nil
		for _, duration := range durations {
			whole := create.of(duration)
			less := new(big.Rat).Sub(whole, preview.of(duration))
			if less.Sign() < 0 {
				less = new(big.Rat)
			}
			bounds := map[string]*big.Rat{"create": whole, "create_less_preview": less}
			lower, upper = append(lower, bounds[rate.Between[0]]), append(upper, bounds[rate.Between[1]])
		}
	}
	least, most := lower[0], upper[0]
	for i := range lower {
		if lower[i].Cmp(least) < 0 {
			least = lower[i]
		}
		if upper[i].Cmp(most) > 0 {
			most = upper[i]
		}
	}
	times := new(big.Rat).SetInt64(count)
	return &creditRange{show(new(big.Rat).Mul(least, times)), show(new(big.Rat).Mul(most, times))}
}

func (card rateCard) find(operation, model string) (found *rate) {
	for i, rate := range card.Rates {
		if rate.Operation == operation && rate.ModelVersion == model {
			return &card.Rates[i]
		}
		if rate.Operation == operation && rate.ModelVersion == "" {
			found = &card.Rates[i]
		}
	}
	return found
}

var nanosecond = big.NewRat(1, 1_000_000_000)

// of returns the price of a duration. A started block is charged whole, and at least one.
func (rate rate) of(duration *big.Rat) *big.Rat {
	if rate.Between != nil {
		return new(big.Rat)
	}
	blocks := startedBlocks(duration, rate.BlockSeconds)
	if blocks < 1 {
		blocks = 1
	}
	started := new(big.Rat).SetInt64(blocks)
	return started.Mul(started, decimal(rate.Credits))
}

func startedBlocks(duration *big.Rat, block int64) int64 {
	blocks := new(big.Rat).Quo(duration, new(big.Rat).SetInt64(block))
	whole, rest := new(big.Int).QuoRem(blocks.Num(), blocks.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		return whole.Int64() + 1
	}
	return whole.Int64()
}

func decimal(digits string) *big.Rat {
	amount, ok := new(big.Rat).SetString(digits)
	if !ok {
		panic("not a decimal: " + digits)
	}
	return amount
}

func show(amount *big.Rat) string {
	digits := strings.TrimRight(amount.FloatString(9), "0")
	return strings.TrimSuffix(digits, ".")
}
