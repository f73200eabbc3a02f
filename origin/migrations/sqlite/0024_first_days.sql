-- On which days visitors were there for the first time: few rows among the many pairs of days.
CREATE INDEX visitor_gaps_first ON visitor_gaps (shop_id, run, counted, device, day) WHERE day_before = -1000000;
