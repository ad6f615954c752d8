# The picture of slow_learners_delay.gp for the stream that is drawn (first seed).
# Variables: directory (of the sweep slow-learners-synthetic), output, picture.
suffix = 'seed-1'
what = 'examples'
seen_max = 40
load plots.'/slow_learners_delay.gp'
