# Time to reach the target, for every group of a sweep; no bar: it never arrived.
# Variables: file (groups.csv), label (the column that names a group), output, picture.
load plots.'/style.gp'
set style data histograms
set style histogram clustered gap 0.6
set boxwidth 0.7
set yrange [0:1e-9<*]
set xlabel label noenhanced
set ylabel 'time to target (s)'
set xtics rotate by -35 noenhanced
unset key
set offsets 0.1,0.5,0,0
reached(x) = strlen(strcol('time_to_target_s')) > 0 ? column('time_to_target_s') : 0
has_arrived(x) = strlen(strcol('time_to_target_s')) > 0
plot file using (reached(0)):xtic(strcol(label)) lc rgb compute_colour, \
     file using 0:(0):(has_arrived(0) ? '' : 'never') \
       with labels offset 0,1 textcolor rgb '#555555' notitle
