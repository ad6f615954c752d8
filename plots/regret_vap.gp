# vap:V against V on 2, 8 and 32 machines: the share of time that is waited, and the updates that a read lacks or has
# too many; essp:8 beside it. First value-bound, first seed.
# Variables: directory (of the sweep regret-vap), output, picture.
width = 960
height = 430
load plots.'/style.gp'
machines = '2 8 32'
bounds = '1 6 24 96'
summary = directory.'/summary.csv'
is_of(nodes, policy) = column('value-bound') == 6 && column('seed') == 1 && column('nodes') == nodes && strcol('policy') eq policy
figure(name, nodes, policy) = is_of(nodes, policy) ? column(name) : NaN
folder(policy, nodes) = directory.'/policy-'.policy.'_value-bound-6_nodes-'.nodes.'_seed-1/metrics.csv'
at_end(name) = column('clock_min') == 1000 ? column(name) : NaN
set datafile missing NaN
set multiplot layout 1,2
set logscale x
set xrange [0.7:300]
set xtics (1, 6, 24, 96, 'essp:8' 200)
set xlabel 'V'
set ylabel 'share of time waited (%)'
set yrange [0:70]
set key inside top right vertical
plot for [n=1:3] for [v=1:4] summary \
     using (real(word(bounds, v))):(100 * figure('wait_share', real(word(machines, n)), 'vap:'.word(bounds, v))) \
     with points linetype n pt 7 ps 1.3 title (v == 1 ? 'vap:V, '.word(machines, n).' machines' : ''), \
     for [n=1:3] summary using (200):(100 * figure('wait_share', real(word(machines, n)), 'essp:8')) \
     with points linetype n pt 4 ps 1.3 notitle
set ylabel 'updates in flight at a read (mean)'
set logscale y
set yrange [1:1000]
set key inside top left vertical
plot for [n=1:3] for [v=1:4] folder('vap-'.word(bounds, v), word(machines, n)) \
     using (real(word(bounds, v))):(at_end('in_flight_mean')) with points linetype n pt 7 ps 1.3 notitle, \
     for [n=1:3] folder('essp-8', word(machines, n)) \
     using (200):(at_end('in_flight_mean')) with points linetype n pt 4 ps 1.3 notitle
unset multiplot
