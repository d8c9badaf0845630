"""Which test proves which trap of the wire notes: a list kept by hand, held here against the tests that it names.

Public side only: markets, symbols, sockets, books, trades, extras of perpetuals, limits of queries. A trap of orders
and accounts belongs to the live desk. What no test proves because the house does not do it stands in docs/LIMITS.md.

Two lines a trap: the section of the venue's page and the trap in our words; then the test that fails when it is not
handled, as its module (``codec``, ``sim`` and ``recorded`` are the venue's own) and its name without ``test_``.
"""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

from jackbot_tui.venues import VENUES

TESTS = Path(__file__).resolve().parents[1]
PAGES = TESTS.parents[1] / "shared" / "exchanges"

EVERYWHERE = """
4 spoilt, lost and repeated frames
  faults spoilt_frames_never_make_a_wrong_live_book
4 a gap of one book leaves the others alone
  recorded/bybit a_lost_update_of_one_book_ends_its_live_state_and_leaves_the_other_alone
3 one refused symbol of many
  faults one_refused_symbol_leaves_the_others_alone
3 an acknowledgement that never comes
  faults what_the_venue_does_not_answer_is_asked_again
3 a stream that is confirmed and stays mute
  unit/market_data a_confirmed_stream_that_stays_mute_while_the_venues_book_goes_on_has_its_line_replaced
3 a connection without any market data
  conformance/feeds_stream mute_connection_is_opened_anew
3 the venue ends connections after a day
  unit/venue_requests every_connection_is_planned_to_end_before_a_day_and_every_silence_has_a_limit
3 a rotation must not lose the book
  conformance/gateway_reconnect a_planned_rotation_loses_no_book
3 messages a second are limited
  conformance/feeds_stream subscriptions_are_sent_no_faster_than_the_venue_allows
3 new connections are limited
  conformance/feeds_address sockets_wait_for_the_limit_of_new_connections_that_they_share
3 any close code, at will
  conformance/feeds_stream session_comes_back_after_any_close_code
4 many snapshots at once are a storm
  unit/feed_parts at_most_a_few_snapshots_are_under_way_at_once
4 resynchronising over and over eats the budget
  unit/market_data a_book_that_breaks_over_and_over_asks_for_few_snapshots
4 a crossed book is no book
  unit/book_sequencer a_crossed_book_is_taken_out_of_live_and_resynced
4 a delete of an unknown level is normal
  unit/book_order_book updates_are_absolute_and_zero_deletes_even_what_is_unknown
5 history after subscribing must fill no order
  unit/book_market a_frame_with_an_older_trade_fills_no_paper_order_that_queued_behind_a_newer_book
9 429, then 418 for those who go on
  conformance/feeds_rest rate_limit_refusal_silences_the_client_until_the_venue_wants_it
9 headers tell what is used
  unit/venue_requests what_headers_tell_belongs_to_a_limit_of_the_venue
"""
"""Traps of several pages that one piece of the house handles for all."""

TRAPS = {
    "binance": """
2 spot and perpetual share their names
  codec depth_update
2 thousand-prefixed bases, tokenised stocks, dated contracts
  codec linear_instruments
2 coin-margined contracts may come down the same routes
  codec coin_margined_contracts_are_nobody_here_even_when_unknown_ones_are_adopted
3 a perpetual's stream on the wrong route is silent
  codec plan_of_both_markets_uses_one_trade_stream_and_the_routes_of_usdm
3 the gateway is as silent on the wrong route
  unit/sim_gateway usdm_streams_live_on_their_route_and_are_mute_on_the_other
3 errors in two shapes, shutdown wrapped or bare
  codec answers_and_service_messages
4 partial books have the event name of updates, spot's no name at all
  codec a_partial_book_never_passes_for_an_update
4 pu, not U, joins perpetuals; U, not pu, joins spot
  unit/book_sequencer worked_sequences_of_the_wire_notes
4 the first update after a snapshot overlaps it
  unit/book_sequencer worked_sequences_while_the_update_waits_for_its_snapshot
4 ids of perpetuals jump
  unit/sim_gateway spot_ids_are_contiguous_and_usdm_ids_jump_but_chain_by_pu
4 a snapshot older than the stream
  unit/market_data a_snapshot_older_than_the_stream_is_asked_for_again
4 far levels pile up for days
  unit/book_order_book a_side_never_outgrows_its_bound_and_loses_the_far_levels_first
5 m means that the buyer was the maker
  codec trades_keep_the_texts_and_name_the_aggressor
5 insurance fund and ADL are no trades of the book
  codec only_market_trades_of_usdm_are_trades
6 a funding rate may be empty
  codec mark_price
10 the step is a filter, not the precision
  codec spot_instruments
12 event times may go back
  unit/book_market the_newest_exchange_time_comes_from_book_and_tape_and_never_goes_back
""",
    "bitget": """
2 spot and perpetual share their names
  codec spot_and_perpetual_share_a_name_but_not_a_key
2 the tick is a multiplier, not the decimals
  codec a_perpetual
2 USDC perpetuals have a category and a name of their own
  unit/venue_requests bitget_perpetuals_of_both_settlements_are_listed_named_and_subscribed_apart
2 tokenised stocks among the listings
  codec what_cannot_be_traded_here_is_left_out
3 text pings, no JSON
  codec heartbeats_and_topics_of_others_say_nothing
3 ten messages a second, pings among them
  sim more_than_ten_messages_a_second_end_the_connection
3 4096 bytes a frame, 50 topics a connection
  codec many_topics_are_spread_over_connections_with_one_frame_a_symbol
3 an error names its argument, the others live
  codec an_error_refuses_the_request_of_its_argument_until_it_is_acknowledged
4 numbers of 64 bits, sometimes text
  codec sequence_numbers_may_be_text
4 the first update after a snapshot straddles it; pseq 0 numbers anew
  codec worked_sequence_of_the_wire_notes
4 pseq 0 or none right after a snapshot
  codec an_update_without_a_predecessor_starts_the_book_anew_even_right_after_a_snapshot
4 a second snapshot is never merged
  codec a_second_snapshot_replaces_the_book_and_is_never_merged
4 checksum 0 or none today
  codec updates_without_a_checksum_or_with_0_are_taken_and_later_checksums_prove_nothing_until_a_snapshot
12 where there is a checksum it is over the raw texts
  codec checksum_vectors_of_the_wire_notes_prove_the_venues_own_texts
5 trades begin with history, newest first
  codec trades_come_newest_first_and_a_repeated_history_counts_once
6 one ticker for mark, funding and best prices
  codec one_ticker_gives_mark_and_best_prices_and_spot_has_no_mark
12 v1 is dead
  recorded captured_single_frames_of_v1_are_unknown_as_sent_and_understood_in_v3s_words
""",
    "bybit": """
2 spot and perpetual share their names
  codec spot_and_perpetual_share_a_name_but_not_a_key
2 USDC perpetuals are called PERP; contracts before launch and dated ones
  codec linear_instruments
2 listings come in pages
  unit/venue_requests bybit_lists_go_on_where_the_cursor_says_and_end_without_one
3 a bad topic fails its frame
  codec a_subscribe_frame_is_of_one_symbol_because_it_is_refused_as_a_whole
3 ten topics a frame
  codec subscribe_frames_have_at_most_ten_topics
3 21,000 characters of topics a connection
  codec topics_beyond_a_connections_text_limit_are_split
3 pongs of several shapes, refusals of any text
  codec answers_heartbeats_and_topics_of_others
3 ts may stand before type
  codec time_may_stand_before_the_type
4 u = 1 is a whole book whatever its type
  codec update_id_1_is_a_whole_book_whatever_its_type_says
4 no rule for gaps in the documents
  codec worked_sequence_of_the_wire_notes
4 levels that drop out of the depth
  codec levels_beyond_the_depth_of_the_topic_are_cut
4 depths of one symbol count apart
  codec a_second_depth_of_the_same_symbol_never_mixes_into_its_book
4 books with retail orders and the full one
  codec the_book_with_retail_orders_and_the_full_one_never_mix_in
5 block trades did not go through the book
  codec a_block_trade_did_not_go_through_the_book
5 retail trades inside the spread
  codec a_retail_trade_inside_the_spread_is_a_trade
12 a field that a ticker leaves out is unchanged
  codec a_field_that_a_tickers_delta_leaves_out_is_unchanged_not_zero
6 a ticker's delta before its snapshot
  codec a_tickers_delta_before_its_snapshot_says_nothing_yet
""",
    "coinbase": """
1 perpetuals moved elsewhere
  codec frames_of_a_market_that_the_venue_lacks_are_unknown
12 USDC products are answered as USD
  codec a_usdc_pair_lives_on_the_book_and_trades_of_its_usd_pair
2 USDC products with books of their own
  recorded recorded_listing
3 one channel a frame, heartbeats on every connection
  codec one_connection_with_heartbeats_first_and_one_channel_and_product_a_frame
12 no request ids: the ack lists all there is, in any order
  codec the_list_of_subscriptions_confirms_what_it_holds
3 errors name no request
  codec an_error_is_taken_for_the_answer_to_the_oldest_open_request
3 who asks for nothing within 5 s is closed
  sim a_connection_that_asks_for_nothing_is_closed_after_five_seconds
12 a snapshot of several megabytes in one frame
  sim a_very_deep_book_comes_in_one_frame_that_the_products_socket_and_codec_take
3 the count is of the connection, over all channels
  codec a_hole_on_any_channel_breaks_every_book_with_the_next_frame_whatever_it_is
3 a number that repeats or falls
  codec a_count_that_starts_anew_or_repeats_is_a_hole
3 a heartbeat's counter is a number or a text
  codec the_counter_of_a_heartbeat_may_be_a_number_or_a_text
3 a quiet book is proved by heartbeats
  codec a_heartbeat_proves_a_quiet_book
12 the sell side is called offer, rows carry the epoch
  codec snapshot_then_updates_linked_by_the_count
4 several events and products in a frame
  codec one_frame_may_hold_several_books_and_several_updates_of_one
4 crossed within a frame, sound after it
  codec a_book_is_judged_after_the_whole_frame_and_not_between_its_updates
4 an update before its snapshot
  codec an_update_before_its_snapshot_asks_for_one
4 never truncate
  codec the_largest_snapshot_fits_and_no_depth_is_cut
5 side is the maker's
  codec a_trades_side_is_the_makers
5 the recorded book agrees that side is the maker's
  recorded trades_at_the_touch_show_that_the_venue_names_the_makers_side
12 newest first, history and updates overlap, products mixed
  codec trades_come_oldest_first_and_never_twice
12 times with any number of digits
  codec times_have_any_number_of_digits
10 flags of products that cannot be traded
  codec only_what_can_be_traded_is_listed
""",
    "cryptocom": """
2 the tick may be larger than the decimals
  codec instruments_take_the_tick_not_the_decimals
3 a data frame may carry the request's id
  codec a_first_data_frame_with_the_requests_id_confirms_it_too
3 errors with and without method or id
  codec answers_and_service_messages
3 a bad channel fails its frame; deltas must be asked for
  codec plan_and_one_channel_a_frame_with_book_updates_asked_for
3 heartbeats are answered with their own id
  codec a_heartbeat_is_answered_with_its_own_id_and_nothing_else_is
3 the answer has its own connection and no queue
  conformance/own_acknowledgements a_heartbeat_that_wants_an_answer_gets_it_on_its_own_connection
3 400 subscriptions a connection
  codec more_channels_than_a_connection_carries_are_split
12 a count of 0 is no delete, cs is nothing
  codec snapshot_then_linked_updates
4 empty deltas move the id on
  codec a_broken_link_ends_live_until_the_next_snapshot_and_empty_updates_keep_the_chain
4 resynchronise by subscribing again
  codec a_book_is_resynchronised_by_subscribing_again
4 levels beyond the depth linger
  codec levels_that_linger_beyond_the_depth_are_cut_at_once
4 the older spelling of options gives whole books
  sim without_the_documented_type_books_come_whole_every_half_second
4 an unchanged book is told every 5 s
  unit/silence where_unchanged_books_are_repeated_two_missing_repeats_are_the_longest_silence
5 side is the taker's
  codec trade_side_is_the_takers
5 newest first in a frame
  codec trades_of_one_frame_come_oldest_first
5 history of 50 trades on subscribing
  codec history_after_a_reconnect_brings_only_what_was_missed
6 the index is another instrument, funding is hourly
  codec mark_index_and_funding_come_apart_and_are_merged_at_the_mark
12 no recordings of today's protocol
  recorded captured_v1_frames_decode
""",
    "gateio": """
2 spot and perpetual share their names
  codec spot_and_perpetual_share_a_name_and_the_channel_alone_tells_them_apart
2 sizes are contracts of odd multipliers
  codec contracts_become_base_units_without_binary_dust
12 fractions are cut off without the decimal-size header
  unit/venue_requests gate_sends_whole_sizes_of_fractional_contracts_only_to_who_asks_so_we_ask
12 the gateway cuts them off as well
  sim fractions_of_contracts_are_cut_off_for_who_does_not_ask_for_them
3 a bad name fails its frame; frames are dated
  codec every_name_is_asked_for_alone_and_dated_by_the_clock_since_a_frame_is_refused_as_a_whole
3 upgrade, errors in results, a second subscription refused
  codec answers_notices_and_channels_of_others
12 the address without settlement is that of BTC
  codec plan_is_one_socket_a_market
4 leave a stream before joining it again
  codec a_book_is_resynchronised_by_leaving_its_stream_before_joining_again
4 U, not only u, must follow; a whole book may come unasked
  codec worked_sequence_of_the_wire_notes
4 empty sides advance the id
  codec empty_or_missing_sides_still_advance_the_id
4 another depth is another stream of the same market
  codec another_depth_of_the_same_market_never_mixes_into_its_book
4 the older channel has objects and both types of sizes
  codec the_older_update_channel_has_levels_as_objects_and_sizes_of_both_types
4 the older channel sends a whole book now and then
  codec an_occasional_whole_book_of_the_older_channel_replaces
12 current is milliseconds on spot, seconds on perpetuals
  codec rest_books_have_pairs_and_milliseconds_on_spot_objects_and_seconds_on_perpetuals
5 spot's trade is an object, its time a text with a fraction
  codec a_spot_trade_is_one_object_and_its_time_a_text_with_a_fraction
5 the sign is the taker's side
  codec the_sign_of_a_perpetuals_trade_is_the_takers_side
5 takeovers are no trades
  codec a_takeover_by_the_insurance_fund_did_not_go_through_the_book
6 funding of 8, 4 and 1 hours
  codec a_mark_price_brings_the_next_whole_multiple_of_the_funding_interval
10 decimals, not steps; pairs that can only be sold
  codec spot_pairs_name_decimals_not_steps
""",
    "hyperliquid": """
2 names are indices, the delisted keep their places
  codec perpetuals_leave_out_the_delisted_and_keep_places_of_figures
12 spot's index is not its place; bridged tokens
  codec spot_coins_are_named_by_their_tokens_and_bridged_ones_as_everywhere
1 outcome markets and spot coins on the same socket
  codec outcomes_and_spot_coins_never_pass_for_perpetuals
2 the tick follows the price
  codec the_tick_follows_the_price
3 acks echo the subscription with defaults
  codec acknowledgements_are_matched_by_type_coin_and_speed_not_by_equality
3 errors are text, subscribed already is harmless
  codec errors_are_text_and_being_subscribed_already_is_as_good_as_an_acknowledgement
3 unsubscribe with the very same object
  codec a_book_is_resynchronised_by_the_very_object_it_was_subscribed_with
3 the first frame may be plain text
  codec what_is_known_and_of_no_use_is_swallowed
3 connections and subscriptions of an address are limited
  sim connections_and_subscriptions_of_one_address_are_limited
4 no increments: every frame is a whole book
  codec every_book_frame_is_the_whole_book
4 deep, fast and best are merged by time
  codec merged_books_are_sorted_never_crossed_and_as_true_as_their_newest_picture
12 fast has the channel name of deep
  codec a_fast_frame_replaces_the_book_down_to_its_worst_price
4 a frame older than the one held
  codec a_frame_older_than_the_one_held_of_its_kind_says_nothing
4 best prices may be null
  codec newer_best_prices_replace_the_top_and_what_lies_beyond_it
4 deep levels are up to 5 s old
  codec deep_levels_are_dropped_when_the_deep_stream_stops
4 best prices go on, or come first after an outage, while the pictures behind them are old
  codec best_prices_never_revive_a_book_whose_pictures_are_old
4 a spread field may appear
  codec a_spread_that_comes_with_a_book_is_left_out
5 side is the aggressor's
  codec trade_side_is_the_aggressors
5 ids are hashes, history is told again
  codec history_after_a_reconnect_brings_only_what_was_missed
12 block times are shared: keep the order of arrival
  codec events_of_one_block_keep_the_order_they_came_in
6 figures of spot have a channel of their own
  codec figures_of_a_spot_coin_come_on_a_channel_of_their_own
6 funding every hour
  codec figures_of_a_perpetual
""",
    "kraken": """
2 XBT and XDG over REST, BTC and DOGE on the socket
  codec instruments_have_the_venues_rules
12 unsubscribe repeats the depth
  codec spot_requests_batch_symbols_and_repeat_the_depth
2 lots of 10 and 100 by a negative precision
  codec lots_of_many_base_units
3 one ack per symbol; subscribed already; message rate
  codec answers_notices_and_heartbeats
3 answers of perpetuals have no id and any case
  codec derivatives_answers_without_ids_find_their_requests
4 the checksum is the only gap detector
  codec a_spot_book_is_proved_by_its_checksums
12 trailing zeros count
  codec the_worked_checksums_of_the_wire_notes
12 exponents and lost zeros of sloppy writers
  codec a_book_written_with_lost_zeros_and_exponents_is_read_with_the_pairs_decimals
4 integers where a pair has no decimals; a price twice in a frame
  codec a_pair_without_decimals_sends_integers_and_rows_count_in_their_order
12 no delete for what falls out of the depth
  codec what_falls_out_of_the_depth_is_cut_without_a_word_of_the_venue
4 ten levels are proved, whatever the depth
  property/book_policies without_ids_the_levels_that_the_checksum_counts_are_right_whenever_it_is_live
4 4,269 recorded checksums
  recorded ten_spot_books_of_v1_pass_every_checksum
4 perpetuals are numbered one by one; sizes of 0 in snapshots
  codec a_derivatives_book_is_numbered_without_a_hole
5 sides are takers'; history is left out
  codec spot_trades_tell_the_takers_side_and_exact_texts
6 trades off the book; relative, hourly funding
  codec derivatives_trades_and_marks
""",
    "kucoin": """
2 bitcoin is XBT on perpetuals, sizes are lots, inverse ones negative
  codec bitcoin_is_xbt_on_perpetuals_which_count_contracts
12 the symbol stays, the name may change; auctions of new listings
  codec spot_pairs_go_by_symbol_and_their_fees_by_coefficient
3 no fixed address: a token for each connection
  codec every_connection_asks_for_a_token_and_gets_an_id_of_its_own
3 tokens of the two markets differ and end after a day
  sim a_token_opens_one_market_for_a_day
3 the token is asked for anew at each reconnect and shown nowhere
  conformance/feeds_address each_connection_asks_for_its_own_address_and_the_token_is_seen_nowhere
3 the token expired
  codec answers_notices_and_topics_of_others
3 who does not ping is cut off, whatever it is sent
  sim who_says_nothing_is_cut_off_whatever_it_is_sent
3 a bad name fails its frame
  codec every_name_is_asked_for_alone_since_a_frame_is_refused_as_a_whole
3 400 topics a connection of spot
  codec spots_400_topics_a_connection_are_split_and_each_connection_has_a_token_of_its_own
4 rows of price 0
  codec a_placeholder_at_price_0_is_no_level_but_its_number_counts
4 ranges, each change with its own number
  codec changes_of_a_range_are_taken_in_the_order_of_their_numbers
4 a perpetual's change is one text
  codec a_change_of_a_perpetual_is_one_text_in_contracts
4 one subject for increments and whole books
  codec whole_books_of_few_levels_share_a_subject_with_increments_and_are_told_apart_by_topic
4 sequence is a text on spot, time in ms or ns
  codec snapshots_number_by_text_and_milliseconds_on_spot_by_integer_and_nanoseconds_on_perpetuals
12 a snapshot before the first update never joins
  codec a_book_waits_for_its_first_update_before_it_asks_and_skips_what_the_snapshot_holds
4 without a key the deep part is unknown
  codec spots_public_book_is_seeded_anew_before_the_market_leaves_its_100_levels
12 a seed that the market leaves, by any path
  property/partial_snapshots a_live_book_is_the_best_part_of_the_true_one
5 times in nanoseconds, sides of takers
  codec trades_have_the_takers_side_and_times_in_nanoseconds
6 the paid rate and the coming one share a subject; a countdown for a time
  codec a_mark_carries_the_coming_funding_rate_and_not_the_one_that_was_paid
9 429000 with and without headers
  sim throttling_names_a_time_and_overload_does_not
""",
    "mexc": """
1 pairs closed to the API
  codec spot_listing_gives_what_can_be_traded_by_api
12 sizes are contracts
  codec contracts_become_base_units_without_binary_dust
3 data is protobuf, answers are text
  codec the_documented_binary_frame_is_an_update_that_spans_its_versions
3 new fields of 2026 and unknown ones
  codec fields_that_nobody_reads_are_skipped
12 a captured binary frame
  recorded the_captured_binary_frame_gives_the_best_prices_that_it_holds
3 JSON channels of spot are retired
  recorded spot_frames_of_the_retired_protocol_are_told_as_unknown
3 a refusal has code 0
  codec a_refused_name_is_a_refusal_although_its_code_is_0
3 30 streams a connection
  codec pairs_share_sockets_of_thirty_streams_and_every_perpetual_has_its_own
12 pings differ by market
  codec heartbeats_differ_by_market_and_their_answers_are_no_event
12 sessions of idle pairs are kept alive
  conformance/mexc_session sessions_come_up_get_updates_and_keep_themselves_alive
3 gzip frames
  codec a_gzip_frame_is_unpacked_and_a_broken_or_huge_one_is_unknown
3 acks of perpetuals name no symbol
  codec an_acknowledgement_without_a_name_confirms_on_each_connection_its_own_request_only
4 versions are texts
  codec versions_are_compared_as_numbers_not_as_text
4 two frequencies do not mix
  codec the_other_frequency_of_a_pair_never_mixes_into_its_book_or_tape
4 merged ranges, and unmerged with one version
  codec unmerged_updates_are_of_one_version
4 a missing side is unchanged, not empty
  codec a_missing_or_empty_side_is_unchanged
4 a missing version freezes a side for who does not check
  codec a_version_that_is_missing_takes_either_book_out_of_live_and_a_new_snapshot_heals_it
4 the first update bridges the snapshot
  codec a_snapshot_goes_live_only_with_an_update_that_bridges_it
5 trades without ids
  codec spot_trades_bring_the_takers_side_and_an_id_of_their_own_where_the_venue_sends_none
5 trades as a list or alone, JSON numbers
  codec trades_come_as_a_list_or_alone_and_their_numbers_are_exact
6 mark and funding on two channels
  codec marks_are_merged_from_two_channels_and_the_same_frame_again_gives_the_same
12 the listing of perpetuals once in 5 s
  codec a_listing_of_perpetuals_may_be_asked_for_once_in_five_seconds_and_holds_up_no_book
""",
    "okx": """
2 inverse, USD-margined, stocks, states that cannot be traded
  codec what_cannot_be_traded_here_is_left_out
2 swap sizes are contracts
  codec a_swap_book_comes_in_base_units
3 port 8443 is off
  codec subscribe_frames_batch_all_topics_of_a_connection
3 pong is text; errors have no argument; 60 s notice
  codec answers_notices_and_heartbeats
3 30 books a connection advised
  codec many_instruments_are_spread_over_connections
4 keep-alive, numbering reset and jumps are no gaps
  codec the_worked_sequence_with_keep_alive_numbering_reset_and_gap
4 a keep-alive proves a quiet book
  codec a_keep_alive_wakes_a_silent_book
4 the gateway repeats a quiet book's number, so that a quiet market is not stale
  sim a_quiet_book_repeats_its_number_once_a_minute_and_the_product_stays_live_by_it
3 the gateway answers text pings by text, and errors without an argument
  sim every_argument_has_its_answer_and_an_error_has_none_but_the_id
4 480 requests an hour: no storm of resubscriptions
  codec a_missing_snapshot_is_asked_for_again_but_not_without_end
4 levels beyond 400
  codec levels_that_fall_out_of_the_venues_depth_are_dropped
4 numbers count within one channel only
  codec another_book_channel_of_the_same_instrument_never_mixes_in
4 crossed in an auction
  codec a_book_crossed_in_a_call_auction_is_not_live_until_a_sound_snapshot
12 checksum 0 today
  codec a_spot_book_keeps_its_decimals_and_a_checksum_brings_the_texts
4 the checksum of old recordings
  recorded the_spot_session
5 sides of takers, sizes of contracts
  codec trades_tell_the_takers_side_and_base_units
6 mark, index and funding on three channels
  codec mark_index_and_funding_are_merged
12 numbers are texts, a side may be empty
  codec a_ticker_with_an_empty_side_is_left_out
""",
}


class Trap(Struct, frozen=True):
    """``test`` is the file below the directory of the tests, and the name of the function."""

    venue: str
    section: str
    words: str
    test: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.venue} {self.words}"


def traps_in(venue: str, block: str) -> list[Trap]:
    own = {"codec": f"unit/test_{venue}_codec", "sim": f"unit/test_sim_{venue}", "recorded": f"recorded/test_{venue}"}
    own["faults"] = "conformance/fault_cases"
    lines = block.strip().splitlines()
    traps = []
    for told, proved in zip(lines[::2], lines[1::2], strict=True):
        section, _, words = told.partition(" ")
        place, name = proved.split()
        file = own.get(place) or place.replace("/", "/test_")
        traps.append(Trap(venue, section, words, (f"{file}.py", f"test_{name}")))
    return traps


LISTED = traps_in("everywhere", EVERYWHERE) + [trap for venue in TRAPS for trap in traps_in(venue, TRAPS[venue])]


@cache
def functions_of(file: str) -> set[str]:
    nodes = ast.parse((TESTS / file).read_text()).body
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("trap", LISTED, ids=str)
def test_the_test_that_proves_a_trap_exists(trap: Trap) -> None:
    file, name = trap.test
    assert (TESTS / file).is_file(), file
    assert name in functions_of(file), f"{file} has no {name}: name the test that took its place"


def test_every_venue_is_listed_with_its_sockets_books_trades_and_quirks() -> None:
    assert set(TRAPS) == set(VENUES)
    for venue in TRAPS:
        sections = {trap.section for trap in LISTED if trap.venue == venue}
        assert {"3", "4", "5", "12"} <= sections, venue
    assert len({(trap.venue, trap.words) for trap in LISTED}) == len(LISTED), "listed twice"


@pytest.mark.parametrize("venue", sorted(TRAPS))
def test_the_sections_are_those_of_the_venues_page(venue: str) -> None:
    page = PAGES / f"{venue}.md"
    if not page.exists():
        assert "CI" not in os.environ, f"CI must have the wire notes of {venue}"
        pytest.skip("no wire notes beside the repository")
    sections = set(re.findall(r"^## (\d+)\.", page.read_text(), re.MULTILINE))
    assert {trap.section for trap in LISTED if trap.venue == venue} <= sections
